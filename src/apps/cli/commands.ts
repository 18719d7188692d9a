/** Every command that asks a running hub, or changes what it will read. */
import type { Command } from 'commander';
import { addAccessCommands } from './access-commands.js';
import { addAlertCommands } from './alert-commands.js';
import { addCameraCommands } from './camera-commands.js';
import { addConfigCommands } from './config-commands.js';
import { addGatewayCommands } from './gateway-commands.js';
import { addJobCommands } from './job-commands.js';
import { addRecordingCommands } from './recording-commands.js';
import { addRpcCommands } from './rpc-commands.js';
import { addSnapshotCommands } from './snapshot-commands.js';
import { addStorageCommands } from './storage-commands.js';
import { addStreamCommands } from './stream-commands.js';
import type { Terminal } from './terminal.js';
import { addUploadCommands } from './upload-commands.js';
import { addVideoCommands } from './video-commands.js';

/** Adds them, in the order of the help. */
export function addClientCommands(program: Command, terminal: Terminal): void {
  addStreamCommands(program, terminal);
  addCameraCommands(program, terminal);
  addRecordingCommands(program, terminal);
  addSnapshotCommands(program, terminal);
  addVideoCommands(program, terminal);
  addUploadCommands(program, terminal);
  addJobCommands(program, terminal);
  addStorageCommands(program, terminal);
  addGatewayCommands(program, terminal);
  addAlertCommands(program, terminal);
  addAccessCommands(program, terminal);
  addConfigCommands(program, terminal);
  addRpcCommands(program, terminal);
}
