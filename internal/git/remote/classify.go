package remote

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
)

// class is what an answer means for who asked.
type class int

const (
	doubtful     class = iota // the refs must be compared; as expected, it is refused
	busy                      // likewise; as expected, it is unavailable
	raced                     // a ref was not what was expected when the push arrived, which may be this push's second arrival
	stale                     // a ref is not what was expected; nothing was sent
	refused                   // another try changes nothing
	unavailable               // nothing was done; another try may
	unreachable               // likewise, but nobody is there to do it
	noRoute                   // likewise, and no way leads there
	unknown                   // it may have been done
	unnegotiated              // git must first ask which commits the server has
	separate                  // nothing was sent: the server takes one ref at a time
)

// isAway reports whether no connection could be made.
func (c class) isAway() bool { return c == unreachable || c == noRoute }

// answer is what a failed command tells.
type answer struct {
	class   class
	reason  string
	server  string
	hint    string
	strange bool // it is not the answer of a Git server
	local   bool // ssh ended before it asked the server
}

// wording is what is said in a case, in lower case.
type wording struct {
	class class
	hint  string
	words []string // any of them
}

const (
	hintToken   = "check the user name, the token or the key, that it has not expired and that it may write to the repository"
	hintBranch  = "the branch is protected: let this user push to it, or go by a pull request: promotion.method of the plan says so for decisions"
	hintURL     = "check the URL, and that this user may read the repository"
	hintCA      = "name the server's CA file"
	hintHostKey = "put the server's key into known_hosts"
	hintName    = "one ref has the name of a folder of another: remove one of them"
	hintProxy   = "check the proxy's address and password"
	hintTLS     = "check the URL: its host and its port must be those of the server's certificate"
	hintStrange = "check the URL, and whether a login page or a proxy answers in the server's place"
	hintUser    = git.HintUser + ", or use an https:// URL"
	hintSize    = "its answer has no end, or is larger than what is taken of one"
)

// refWordings are git's reasons for one ref; the first that fits counts.
var refWordings = []wording{
	{refused, hintName, []string{"; cannot create", "refname conflict", "directory/file conflict"}},
	{stale, "", []string{"stale info"}},
	{raced, "", []string{"but expected", "incorrect old value"}},
	{unknown, "", []string{"failed to report status"}},
	{refused, hintBranch, []string{"protected branch", "rule violations"}},
	{doubtful, "the server has only a part of the branch's history: fetch the rest there", []string{"shallow update not allowed"}},
	{refused, "the server hides these refs: allow them there (receive.hideRefs)", []string{"hidden ref"}},
	{refused, "", []string{"hook declined", "prohibited", "not allowed", "denied", "permission", "read-only", "read only", "archived", "quota", "currently checked out", "funny refname", "bad ref", "no space left"}},
	{busy, "", []string{"lock", "failed to update ref", "already exists", "does not exist", "failed to start", "atomic", "unpacker error", "fetch first", "timeout", "timed out", "internal server error", "try again"}},
}

// besideWordings are what the server says beside a reason that tells little, as
// "pre-receive hook declined" and "atomic transaction failed".
var besideWordings = []wording{
	{busy, "", []string{"internal api", "internal error", "internal server error", "unreachable", "timed out", "temporarily", "try again"}},
	{refused, hintName, []string{"; cannot create"}},
	{raced, "", []string{"but expected"}},
	{refused, hintBranch, []string{"protected branch", "rule violations"}},
	{refused, "the repository takes no writes", []string{"archived", "read-only", "read only"}},
	{refused, "the repository is full", []string{"quota", "size limit", "no space left"}},
	{refused, hintToken, []string{"permission denied", "not allowed to", "not authorized"}},
}

// awayWordings are what git says where no connection could be made. A server that
// answers may say the like of one behind it.
var awayWordings = []wording{
	{noRoute, "", []string{"could not resolve", "no route to host", "network is unreachable"}},
	{unreachable, "", []string{"couldn't connect to server", "failed to connect to", "connection refused"}},
}

// noUser is what ssh says of a uid that the system does not know.
var noUser = regexp.MustCompile(`(?m)^No user exists for uid \d+`)

// serverWordings are what git says where the server answers for no ref.
var serverWordings = []wording{
	{refused, hintProxy, []string{"returned error: 407", "http code 407 from proxy"}},
	{refused, hintHostKey, []string{"host key verification failed", "remote host identification has changed"}},
	{refused, hintCA, []string{"certificate problem", "certificate verification failed", "self-signed certificate", "self signed certificate", "unable to get local issuer certificate"}},
	{refused, hintToken, []string{"authentication failed", "could not read username", "could not read password", "invalid username or password", "permission denied", "access denied", "error: 401", "http 401"}},
	{refused, "the repository takes no writes", []string{"archived", "read-only", "read only"}},
	{refused, hintToken, []string{"error: 403", "http 403", "write access to repository not granted", "deploy key", "not authorized", "unauthorized"}},
	{refused, hintURL, []string{"repository not found", "does not appear to be a git repository", "error: 404", "http 404", "error: 410", "project you were looking for could not be found", "not found"}},
	{refused, "it is too large for the server or the proxy before it", []string{"error: 413", "http 413"}},
	{refused, "its protocol is not allowed", []string{"transport '"}},
	{refused, hintURL, []string{"error: 400", "error: 405", "error: 451", "url using bad/illegal format"}},
	{refused, hintTLS, []string{"wrong version number", "unexpected tls packet", "subject name", "does not match target host name"}},
	{refused, "the server and this ssh have no algorithm in common", []string{"unable to negotiate with"}},
}

// strangeWordings are what git says of an answer that no Git server gives. It is not
// cut short either: that would be the network's doing, and may pass.
var strangeWordings = []wording{
	{refused, hintSize, []string{"out of memory", "died of signal 25", "file too large", "answer does not end", "too large response headers"}},
	{refused, hintStrange, []string{
		"bad line length character", "expected flush after ref listing", "bad pack header", "pack is corrupted", "pack has bad object", "expected 'packfile'",
		"is this a git repository", "unable to update url base from redirection", "redirects followed", "returned error: 30", "dumb http transport", "invalid info/refs",
		"invalid server response", "did not send all necessary objects", "unknown object format", "bad band #", "unexpected service", "protocol error: expected", "git-http-push failed",
		"received http/0.9", "not supported or disabled in libcurl", "not supported in libcurl",
	}},
}

// transient is what a server says that may pass.
var transient = []string{"internal", "unreachable", "timed out", "timeout", "temporar", "try again", "overload", "too many", "later", "busy", "unavailable", "rate limit", "lock", "connect"}

// cut is what git says where an answer ends too early.
var cut = []string{"rpc failed", "early eof", "unexpected disconnect", "unexpected eof"}

var (
	refLine     = regexp.MustCompile(`^([ +*=!t-])\t(?:[^\t:]*):([^\t]+)\t(\[[^\]]*\])?[^(]*(?:\((.*)\))?`)
	terminalSeq = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	severities  = regexp.MustCompile(`(?i)^(?:(?:error|fatal):\s*)+`)
	wordy       = regexp.MustCompile(`[\pL\pN]`)
	underWay    = regexp.MustCompile(`rpc failed|hung up|unexpected disconnect|failed to report status|unexpected eof|early eof|unexpected flush|bad band|bad line length|protocol error|send-pack:`)
	httpError   = regexp.MustCompile(`(?:returned error: |rpc failed; http )(\d{3})`)
)

// failure is all that a failed git command said, in lower case; empty where it
// did not get to say anything.
func failure(err error) string {
	var failed *git.Error
	if !errors.As(err, &failed) {
		return ""
	}
	return strings.ToLower(failed.Stderr)
}

func has(said string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
}

// filterRefused reports whether the server does without filters, and says so.
func filterRefused(said string) bool {
	return has(said, "filter 'tree' not supported", "tree filter allows max depth", "filter not supported", "filter-spec not supported")
}

// classifyPush reads what git push --porcelain printed and said.
func classifyPush(stdout, stderr string) answer {
	said := strings.ToLower(stderr)
	if has(said, "bad tree object", "bad object", "unable to read tree", "missing necessary objects", "missing blob", "missing tree") {
		return answer{class: unnegotiated, reason: "objects are missing"}
	}
	if has(said, "does not support --atomic") {
		return answer{class: separate, reason: fatal(stderr)}
	}
	best, found := answer{}, false
	for line := range strings.Lines(stdout) {
		m := refLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || m[1] != "!" {
			continue
		}
		a := refAnswer(m[3]+" "+m[4], said)
		if !found || weight(a.class) > weight(best.class) {
			best, found = a, true
			best.reason = excerpt.Cut(m[2]+" "+m[3]+" ("+m[4]+")", longestText)
		}
	}
	if !found {
		best = serverAnswer(stderr)
		if undone := best.class == unavailable || best.class.isAway() || best.strange; undone && httpStatus(said) != "429" && underWay.MatchString(said) {
			best.class = unknown
		}
	}
	best.server = serverSaid(stderr)
	return best
}

// weight orders the answers for several refs: what decides comes last.
func weight(c class) int {
	return slices.Index([]class{busy, doubtful, raced, unknown, stale, refused}, c)
}

// refAnswer is what the reason for one ref tells, with what was said beside it.
func refAnswer(reason, said string) answer {
	a, _ := match(refWordings, strings.ToLower(reason))
	if a.class == stale || a.class == raced || a.class == unknown || a.hint != "" {
		return a
	}
	if b, found := match(besideWordings, said); found {
		return b
	}
	return a
}

func match(list []wording, text string) (answer, bool) {
	for _, w := range list {
		if has(text, w.words...) {
			return answer{class: w.class, hint: w.hint}, true
		}
	}
	return answer{}, false
}

// serverAnswer is what git tells where the server answers for no ref.
func serverAnswer(stderr string) answer {
	if reason := noUser.FindString(stderr); reason != "" {
		return answer{class: refused, reason: reason, hint: hintUser, local: true}
	}
	said := strings.ToLower(stderr)
	a := answer{class: unavailable}
	if s := httpStatus(said); (!strings.HasPrefix(s, "5") || s == "501" || s == "505") && s != "408" && s != "429" {
		if m, ok := match(awayWordings, own(said)); ok {
			a = m
		} else if m, ok := match(serverWordings, said); ok {
			a = m
		} else if m, ok := match(strangeWordings, own(said)); ok && !has(own(said), cut...) {
			a, a.strange = m, true
		} else if s != "" {
			a = answer{class: refused, hint: hintURL}
		} else if _, text, found := strings.Cut(said, "fatal: remote error: "); found && !has(text, transient...) {
			a.class = refused
		}
	}
	a.reason, a.server = fatal(stderr), serverSaid(stderr)
	return a
}

// own is what git itself said, without what it passes on from the server.
func own(said string) string {
	var out strings.Builder
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "remote:") && !strings.HasPrefix(line, "fatal: remote error:") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func httpStatus(said string) string {
	if m := httpError.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return ""
}

// fatal is the line that says why git ended, without its prefix. What ssh says
// is nearer to the cause than what git makes of it.
func fatal(stderr string) string {
	var last string
	for line := range strings.Lines(stderr) {
		severity, text, found := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case !found || strings.HasPrefix(text, "failed to push some refs"):
		case severity != "fatal" && severity != "error" && severity != "ssh":
		case last == "", severity == "fatal" && !strings.Contains(text, "hung up") && !strings.HasPrefix(text, "Could not read from remote"):
			last = text
		}
	}
	if last == "" {
		return excerpt.Cut(strings.Join(strings.Fields(stderr), " "), longestText)
	}
	return excerpt.Cut(last, longestText)
}

// serverSaid is what the server itself said: the lines that git marks as the
// remote's, without colours, progress, frames, and the severity before each.
func serverSaid(stderr string) string {
	var out []string
	for line := range strings.Lines(stderr) {
		text, found := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "remote:")
		if !found {
			continue
		}
		text = severities.ReplaceAllString(strings.TrimSpace(terminalSeq.ReplaceAllString(text, "")), "")
		if wordy.MatchString(text) && !slices.Contains(out, text) && !has(text, "Resolving deltas", "Counting objects", "Compressing objects", "Enumerating objects", "Processing changes") {
			out = append(out, text)
		}
	}
	return excerpt.Cut(strings.Join(out, "\n"), longestText)
}

// readingError says what a failed fetch means.
func readingError(err error) error {
	var failed *git.Error
	if !errors.As(err, &failed) {
		return err
	}
	said := strings.ToLower(failed.Stderr)
	switch {
	case has(said, "couldn't find remote ref"):
		return ErrNoBranch
	case has(said, "not our ref", "unadvertised object", "no such remote ref"):
		return ErrNoCommit
	}
	a := serverAnswer(failed.Stderr)
	if a.reason == "" {
		a.reason = failed.Error() // it was killed
	}
	return a.error(err)
}

// error is the answer as who asked sees it.
func (a answer) error(err error) error {
	switch a.class {
	case stale, raced:
		return ErrStale
	case unknown:
		return &UnknownError{Err: errors.New(a.reason)}
	case unavailable, unreachable, noRoute, busy:
		return &UnavailableError{Reason: a.reason, Unreachable: a.class.isAway(), NoRoute: a.class == noRoute, Err: err}
	default:
		return &RefusedError{Reason: a.reason, Server: a.server, Hint: a.hint, Strange: a.strange, Local: a.local}
	}
}

// longestText bounds untrusted text in a message, in bytes.
const longestText = 500
