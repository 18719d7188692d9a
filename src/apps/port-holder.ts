/** Who has the port that was wanted. */
import { WeirError } from '../contracts/index.js';
import { findListener } from '../supervisor/index.js';

/** For `catch` of a listen: names the process that holds the port, where it can be seen. Other failures stay as they are. */
export function namesHolder(field: string, port: number): (thrown: unknown) => never {
  return (thrown) => {
    const error = WeirError.from(thrown);
    const holder = error.code === 'failed_precondition' ? findListener(port) : undefined;
    if (holder === undefined) throw error;
    throw new WeirError('failed_precondition', `Port ${port} is taken by process ${holder.pid} (${holder.command})`, {
      field,
      received: port,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  };
}
