package git

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// kept are the variables of git that say who commits and which configuration is
// the user's. The others change which repository is read, and how.
var kept = []string{
	"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE",
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
}

// Inherited is what git gets of a process's environment, as NAME=VALUE.
func Inherited(process []string) []string {
	var env []string
	for _, v := range process {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "GIT_") || slices.Contains(kept, name) {
			env = append(env, v)
		}
	}
	return env
}

// settings outrank every configuration file.
func settings() [][2]string {
	return [][2]string{
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"log.showSignature", "false"},
		// What follows would let a repository change what its history says.
		{"core.commitGraph", "false"},
		{"core.checkStat", "default"}, // or a file of another content passes for the one of the index
		{"core.trustctime", "true"},
		{"advice.graftFileDeprecated", "false"}, // none is read, which git would note
		{"log.follow", "false"},
		{"i18n.logOutputEncoding", "UTF-8"},
		{"i18n.commitEncoding", "UTF-8"}, // of the messages that are written
		{"trailer.separators", ":"},
		{"core.commentChar", "#"}, // a trailer that begins like a comment is left out
	}
}

// environment is the part of git's environment that nothing else decides.
func environment(server bool, config [][2]string) []string {
	env := []string{
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C", "GIT_GRAFT_FILE=" + os.DevNull,
		// A missing object is an error: asking the server for it would run ssh and helpers.
		"GIT_NO_LAZY_FETCH=1",
	}
	if !server {
		env = append(env, "GIT_ALLOW_PROTOCOL=none") // for git before 2.44, which does not know the variable above
	}
	for i, c := range config {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+c[0], "GIT_CONFIG_VALUE_"+n+"="+c[1])
	}
	return append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
}

// advice is what helps where an object is missing, or ssh-keygen refuses to sign.
func (r Runner) advice(said string) string {
	if strings.Contains(said, "No user exists for uid") {
		return ": " + HintUser
	}
	for _, words := range []string{"lazy fetching disabled", "promisor remote", "transport '", "unable to read tree", "unable to read sha1 file", "bad object", "missing blob"} {
		if !r.Server && strings.Contains(said, words) {
			return ": a part of the repository is not here: " + hintMissing
		}
	}
	return ""
}

// HintUser is what helps where ssh or ssh-keygen does not know the user.
const HintUser = "ssh and ssh-keygen need an entry of this uid in /etc/passwd: run as a user that has one"

const hintMissing = "get it with git fetch --refetch --no-filter"
