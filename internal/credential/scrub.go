package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

const mask = "***"

// keptTokens is how many of an app's tokens are looked for: the one in use, and
// those that a slow answer may still speak of.
const keptTokens = 4

// userinfo is what stands before the host in a URL. SSH's user name is not a secret.
var userinfo = regexp.MustCompile(`(?i)\b((?:https?|socks5h?)://[^/\s@]*|ssh://[^/\s@:]*:[^/\s@]*)@`)

// signedToken is JSON web token, as a GitHub App proves itself with.
var signedToken = regexp.MustCompile(`\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*`)

// scrubber knows the secrets and takes them out of texts.
type scrubber struct {
	mu     sync.RWMutex
	fixed  []string // patterns
	tokens []string // patterns of an app's tokens, the oldest first
	all    *regexp.Regexp
	dir    string
}

func newScrubber(o Options) *scrubber {
	s := &scrubber{}
	secrets := []string{o.Token, o.Password}
	for _, raw := range []string{o.Proxy, o.URL} {
		if u, err := parseProxy(raw); err == nil && u != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
		}
	}
	keys := [][]byte{o.SSHKey, o.Signing.Key}
	if o.App != nil {
		keys = append(keys, o.App.Key)
	}
	for _, key := range keys {
		for line := range strings.Lines(string(key)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
				secrets = append(secrets, line)
			}
		}
	}
	for _, secret := range secrets {
		s.fixed = append(s.fixed, patterns(secret)...)
	}
	s.compile()
	return s
}

// addToken makes an app's token known.
func (s *scrubber) addToken(token string) {
	pattern := strings.Join(patterns(token), "|")
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.tokens, pattern) {
		return
	}
	s.tokens = append(s.tokens, pattern)
	s.tokens = s.tokens[max(0, len(s.tokens)-keptTokens):]
	s.compile()
}

// hide makes the name of a directory known, which tells others nothing.
func (s *scrubber) hide(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dir = dir
}

func (s *scrubber) compile() {
	list := slices.DeleteFunc(append(slices.Clone(s.fixed), s.tokens...), func(p string) bool { return p == "" })
	s.all = nil
	if len(list) > 0 {
		s.all = regexp.MustCompile(strings.Join(list, "|"))
	}
}

func (s *scrubber) scrub(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir != "" {
		text = strings.ReplaceAll(text, s.dir+"/", "")
	}
	text = userinfo.ReplaceAllStringFunc(text, func(found string) string {
		scheme, _, _ := strings.Cut(found, "://")
		return scheme + "://" + mask + "@"
	})
	text = signedToken.ReplaceAllLiteralString(text, mask)
	// What is left may hold a secret again, made of the mask and its
	// neighbours. Each round is shorter, since no secret is as short as the mask.
	for s.all != nil && s.all.MatchString(text) {
		text = s.all.ReplaceAllLiteralString(text, mask)
	}
	return text
}

// error is err with its text scrubbed.
func (s *scrubber) error(err error) error {
	if err == nil {
		return nil
	}
	return &scrubbed{text: s.scrub(err.Error()), err: err}
}

// scrubbed keeps an error's identity, for errors.Is, under a clean text.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string        { return e.text }
func (e *scrubbed) Is(target error) bool { return errors.Is(e.err, target) }

// patterns match a secret in the forms that git, servers and libraries print it
// in. Secrets too short to look for have none.
func patterns(secret string) []string {
	if len(secret) < minSecret {
		return nil
	}
	list := []string{plain(secret)}
	// In base64 it looks one of three ways, by what stands before it.
	for offset := range 3 {
		list = append(list, encoded(secret, offset))
	}
	return list
}

// plain matches the secret with what is not a letter or a digit escaped as in a
// URL, in JSON, in HTML or in a quoted string.
func plain(secret string) string {
	var b strings.Builder
	for rest := secret; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		raw := rest[:size]
		rest = rest[size:]
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			b.WriteString(raw)
			continue
		}
		percent, unicode := "", ""
		for _, octet := range []byte(raw) {
			percent += fmt.Sprintf("%%%02x", octet)
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			unicode += fmt.Sprintf(`\\u%04x`, unit)
		}
		quoted := strconv.QuoteToASCII(raw)
		quoted = quoted[1 : len(quoted)-1]
		fmt.Fprintf(&b, `(?:\\?%s|(?i:%s|%s|%s|%s)`, regexp.QuoteMeta(string(r)), percent, unicode, regexp.QuoteMeta(quoted), regexp.QuoteMeta(html.EscapeString(string(r))))
		if r == ' ' {
			b.WriteString(`|\+`)
		}
		b.WriteString(")")
	}
	return b.String()
}

// encoded matches a run of base64, in either alphabet, that holds the secret
// after offset bytes of a group of three.
func encoded(secret string, offset int) string {
	const run = `[A-Za-z0-9+/_-]*`
	text := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), secret...))
	first := []int{0, 2, 3}[offset] // the first that the bytes before it do not alter
	last := (offset + len(secret)) * 8 / 6
	var b strings.Builder
	for _, r := range text[first:last] {
		switch r {
		case '+':
			b.WriteString(`(?:[+-]|%2[Bb])`)
		case '/':
			b.WriteString(`(?:[/_]|%2[Ff])`)
		default:
			b.WriteRune(r)
		}
	}
	return run + b.String() + run + `=*`
}
