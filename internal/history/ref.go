package history

import (
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// Refs is where outcomes are kept beside the branches. Clones do not fetch it
// by themselves.
const Refs = "refs/assay/outcomes/"

// Ref names the outcome of an experiment of an environment on a branch.
func Ref(branch string, env spec.Environment, experiment digest.Digest) (string, error) {
	if experiment == "" {
		return "", errors.New("name outcome: the digest of the experiment is missing")
	}
	return RefPrefix(branch, env) + experiment.Ref(), nil
}

// RefPrefix is what the names of an environment's outcomes on a branch begin
// with.
func RefPrefix(branch string, env spec.Environment) string {
	return Refs + hashed(branch, env.String())[:16] + "/"
}

// propagatedRefs is where the last promotion is kept that all next environments have.
const propagatedRefs = "refs/assay/forwarded/"

// PropagatedRef names what tells of the last promotion of an environment on a
// branch that has reached all next environments elsewhere.
func PropagatedRef(branch string, env spec.Environment) string {
	return propagatedRefs + hashed(branch, env.String())[:16]
}

// ClosedRef names what tells of a pull request of an environment on a branch that was
// closed as superseded.
func ClosedRef(branch string, env spec.Environment, number int64) string {
	return fmt.Sprintf("%sclosed-%d", RefPrefix(branch, env), number)
}

// RefMessage is the message of the commit, of an empty tree and without a
// parent, that an outcome's ref names. The commit is the one on the branch; an empty title
// stands for the usual one.
func (r Record) RefMessage(title, commit string) string {
	return r.message(title, "", commit)
}

// About is the commit on a branch that the commit of an outcome's ref speaks of; empty for
// one that is not on the branch yet.
func About(e git.Entry) string {
	if values := e.Trailers[trailerCommit]; len(values) == 1 {
		return values[0]
	}
	return ""
}
