import 'reflect-metadata';
import { Logger } from '@nestjs/common';

// What the tests provoke on purpose would bury what fails.
Logger.overrideLogger(false);
