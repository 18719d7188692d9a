/** Numbers that messages are full of. One of each for all: every schema of its own weighs some kilobytes in each process for as long as it runs. */
import { z } from 'zod';

/** Whole, of either sign. */
export const integer = z.number().int();

/** Whole, 0 or more: how many, or milliseconds and bytes. */
export const count = integer.nonnegative();

/** Whole, 1 or more. */
export const ordinal = integer.positive();

/** 0 or more, with fractions: seconds, percent, megapixels. */
export const amount = z.number().nonnegative();
