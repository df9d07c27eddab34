/** Credentials of a test cluster: random tokens in a file of the API server, and a kubeconfig for each who has one. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountName, accounts, apiUrl, type Plan } from './plan.ts'

export function kubeconfigPath({ folder }: Plan, account: AccountName = 'admin'): string {
  return join(folder, 'kubeconfig', `${account}.json`)
}

/** Written before anything starts; the API server makes its own certificate at `pki/apiserver.crt` and is its own root. */
export function writeCredentials(plan: Plan): void {
  const { folder } = plan
  mkdirSync(join(folder, 'kubeconfig'), { recursive: true, mode: 0o700 })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keyFile = join(folder, 'service-account.key')
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const rows = (Object.keys(accounts) as AccountName[]).map((account) => {
    const token = randomBytes(24).toString('hex')
    writeFileSync(kubeconfigPath(plan, account), kubeconfig(plan, token), { mode: 0o600 })
    const { user, groups } = accounts[account]
    return `${token},${user},${account},"${groups}"\n`
  })
  writeFileSync(join(folder, 'tokens.csv'), rows.join(''), { mode: 0o600 })
}

function kubeconfig(plan: Plan, token: string): string {
  const cluster = { server: apiUrl(plan), 'certificate-authority': join(plan.folder, 'pki/apiserver.crt') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: plan.name, cluster }],
    users: [{ name: plan.name, user: { token } }],
    contexts: [{ name: plan.name, context: { cluster: plan.name, user: plan.name } }],
    'current-context': plan.name,
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
