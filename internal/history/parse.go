package history

import (
	"encoding/json"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// beside reads what can be read of it.
func beside(texts []string) (list []Beside) {
	for _, text := range texts {
		var b Beside
		if json.Unmarshal([]byte(text), &b) == nil {
			list = append(list, b)
		}
	}
	return list
}

// Parse reads the record in a commit's trailers. Without one outcome and one
// environment there is none. What it returns is safe to print.
func Parse(e git.Entry) (Record, bool) {
	outcome, environment := e.Trailers[trailerOutcome], e.Trailers[trailerEnvironment]
	if len(outcome) != 1 || len(environment) != 1 {
		return Record{}, false
	}
	env, err := spec.ParseEnvironment(environment[0])
	if err != nil {
		return Record{}, false
	}
	one := func(key string) string {
		if values := e.Trailers[key]; len(values) > 0 {
			return excerpt.Line(values[0])
		}
		return ""
	}
	all := func(key string) (list []string) {
		for _, value := range e.Trailers[key] {
			list = append(list, excerpt.Line(value))
		}
		return list
	}
	// What is not a digest of this format is of an experiment that starts again.
	experiment, _ := digest.Parse(one(trailerDigest))
	return Record{
		Outcome: decision.Outcome(one(trailerOutcome)), Environment: env,
		Experiment: one(trailerExperiment), Digest: experiment, Candidate: one(trailerCandidate),
		Engine: one(trailerEngine), Evidence: one(trailerEvidence), Untested: all(trailerUntested),
		Promotion: one(trailerPromotion), Next: all(trailerNext), Reverts: one(trailerReverts), Beside: beside(all(trailerBeside)),
	}, true
}
