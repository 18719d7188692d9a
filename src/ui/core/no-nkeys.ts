/** Stands in for the NATS client's key library, which a login by name and password never calls. */

function refuse(): never {
  throw new Error('Signing keys are not part of the browser client');
}

export const createUser = refuse;
export const createAccount = refuse;
export const createOperator = refuse;
export const createPair = refuse;
export const createCurve = refuse;
export const fromSeed = refuse;
export const fromCurveSeed = refuse;
export const fromPublic = refuse;
