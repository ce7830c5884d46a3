// Package digest names experiments.
//
//  1. Of hashes all that is tested: the Digest is the experiment's identity, and
//     the only thing that binds a verdict to a candidate.
//  2. Its ID is short, for names, labels and people. Another experiment with the
//     same ID is found in seconds: it only tells where to look.
//  3. A Selector is what people name an experiment by.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// Annotation holds, on every object that judges a candidate, the digest of its
// experiment.
const Annotation = "assay.dev/digest"

// Format is raised when what a digest is computed from changes.
const Format = 2

const (
	prefix   = "v2:"
	digits   = 2 * sha256.Size
	idDigits = 9
	least    = 32 // digits of a digest that a Selector gives: 128 bits
)

// Digest is an experiment's identity: the format and 64 hex digits. It is empty
// where there is no experiment, as for a candidate that does not render.
type Digest string

// Of is the digest of an encoding of all that is tested.
func Of(tested []byte) Digest {
	sum := sha256.Sum256(tested)
	return Digest(prefix + hex.EncodeToString(sum[:]))
}

// Parse reads a digest as it is written in annotations and trailers.
func Parse(text string) (Digest, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	switch {
	case ok && len(rest) == digits && isHex(rest):
		return Digest(text), nil
	case !ok && isOther(text):
		return "", fmt.Errorf("the digest %s is of a format other than %s", excerpt.Of(text, 2*digits), strings.TrimSuffix(prefix, ":"))
	}
	return "", fmt.Errorf("%q is not a digest: it has %s and %d hex digits", excerpt.Of(text, 2*digits), prefix, digits)
}

// isOther reports whether a text looks like the digest of another format.
func isOther(text string) bool {
	version, rest, found := strings.Cut(text, ":")
	number, isVersion := strings.CutPrefix(version, "v")
	return found && isVersion && number != "" && strings.Trim(number, "0123456789") == "" && rest != ""
}

// ID is the short name of the experiment.
func (d Digest) ID() string {
	if d == "" {
		return ""
	}
	return "e" + strings.TrimPrefix(string(d), prefix)[:idDigits]
}

// Ref is the digest as the last part of a ref's name, where a colon cannot be.
func (d Digest) Ref() string { return strings.Replace(string(d), ":", "-", 1) }

// Selector names an experiment by its ID, or by its digest or the first 32 digits
// of it at least. Empty is any.
type Selector string

// Select reads what people write. What cannot be a digest is an ID, which may be
// nobody's.
func Select(text string) (Selector, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	switch {
	case !ok && isOther(text):
		_, err := Parse(text)
		return "", err
	case ok && (len(rest) < least || len(rest) > digits || !isHex(rest)):
		return "", fmt.Errorf("%q is not a digest: give %s and %d to %d hex digits, or the ID", excerpt.Of(text, 2*digits), prefix, least, digits)
	}
	return Selector(text), nil
}

// IsID reports whether the selector is an ID, which several experiments may have.
func (s Selector) IsID() bool { return s != "" && !strings.HasPrefix(string(s), prefix) }

// Selects reports whether the experiment may be meant.
func (s Selector) Selects(d Digest) bool {
	if s.IsID() {
		return d != "" && d.ID() == string(s)
	}
	return d != "" && strings.HasPrefix(string(d), string(s))
}

// Ambiguous is the error for two experiments that one selector selects.
func (s Selector) Ambiguous(a, b Digest) error {
	return fmt.Errorf("%s means two experiments, %s and %s: name one of them by its digest", s, a, b)
}

func isHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }
