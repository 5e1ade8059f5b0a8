/** Names of variables; a `*` at the end stands for any rest. */
export type NamePattern = string;

type Variables = Readonly<Record<string, string | undefined>>;

/** What any program needs to find its tools, its language and its way out to the network. */
const common: readonly NamePattern[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TMP", "TEMP", "TZ", "LANG", "LANGUAGE", "LC_*"],
  ...["CI", "NO_COLOR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
  // Where setup actions leave their tools: folders, never secrets.
  ...["JAVA_HOME", "GOROOT", "GOPATH", "CARGO_HOME", "RUSTUP_HOME", "DOTNET_ROOT", "VIRTUAL_ENV", "NVM_DIR"],
  ...["PNPM_HOME", "BUN_INSTALL", "ANDROID_HOME", "pythonLocation"],
];

/** Ours or GitHub's: whatever pattern an agent names, these never pass from the host (law A2). */
const withheld: readonly NamePattern[] = ["GITHUB_*", "GH_*", "ACTIONS_*", "INPUT_*", "RUNNER_*", "PERDURE_*", "GIT_*"];

/** The variables of an agent: what is allowed of the host's, and over it what the task gives, which is taken as it is. */
export function agentEnvironment(
  host: Variables,
  patterns: readonly NamePattern[],
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const passed = Object.entries(host).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && matches(entry[0], [...common, ...patterns]) && !matches(entry[0], withheld),
  );
  return { ...Object.fromEntries(passed), ...given };
}

/** Whether one of the patterns names the variable. */
export const matches = (name: string, patterns: readonly NamePattern[]): boolean =>
  patterns.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
