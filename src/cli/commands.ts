/** The commands, in the order of help. */

import { accessExplainCommand } from './command/access-explain.ts'
import { accessGenerateCommand } from './command/access-generate.ts'
import { accessReviewCommand } from './command/access-review.ts'
import { accessTestCommand } from './command/access-test.ts'
import { auditCommand } from './command/audit.ts'
import { authnReportCommand } from './command/authn-report.ts'
import { caBundlesCommand } from './command/ca-bundles.ts'
import { caRotateCommand } from './command/ca-rotate.ts'
import { caStatusCommand } from './command/ca-status.ts'
import { completionCommand } from './command/completion.ts'
import { egressReportCommand } from './command/egress-report.ts'
import { identityServeCommand } from './command/identity-serve.ts'
import { lintCommand } from './command/lint.ts'
import { proxyConfigCommand } from './command/proxy-config.ts'
import { proxyStatusCommand } from './command/proxy-status.ts'
import { rateLimitCommand } from './command/ratelimit.ts'
import { translateCommand } from './command/translate.ts'
import { upCommand } from './command/up.ts'
import { versionCommand } from './command/version.ts'
import type { Command } from './command.ts'

export const commands: readonly Command[] = [
  upCommand,
  lintCommand,
  translateCommand,
  proxyStatusCommand,
  proxyConfigCommand,
  egressReportCommand,
  authnReportCommand,
  accessExplainCommand,
  accessTestCommand,
  accessGenerateCommand,
  accessReviewCommand,
  auditCommand,
  caStatusCommand,
  caBundlesCommand,
  caRotateCommand,
  identityServeCommand,
  rateLimitCommand,
  completionCommand,
  versionCommand,
]

/** Words that only group others, with their summary. */
export const groups: Readonly<Record<string, string>> = {
  access: 'say, and see, who may do what',
  authn: 'see who proves who they are',
  ca: 'look after the roots of the mesh',
  egress: 'look at calls that leave the mesh',
  identity: 'hand identities to programs',
  proxy: 'look into the sidecars',
}
