package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/history"
)

// supersededLabel marks pull requests that were closed because another
// candidate came, and not because people said no.
const supersededLabel = "assay/superseded"

// tidy closes the open pull requests of the environment's other candidates. What
// was decided does not depend on it, so that its trouble is only told: the next
// run tries again.
func (s Server) tidy(ctx context.Context, env history.Environment, see string, keep ...string) {
	if s.Forge == nil {
		return
	}
	if err := s.closeOthers(ctx, env, see, keep); err != nil {
		s.note("pull requests of other candidates of %s may still be open: %v", env, err)
	}
}

// closeOthers leaves those of the branches to keep. What other environments
// below this one have, and what people opened by hand, has other names.
func (s Server) closeOthers(ctx context.Context, env history.Environment, see string, keep []string) error {
	prefix := headPrefix(env)
	list, err := s.Forge.List(ctx, prefix, s.Branch)
	if err != nil {
		return err
	}
	for _, pull := range list {
		if !ofCandidate.MatchString(strings.TrimPrefix(pull.Head, prefix)) || slices.Contains(keep, pull.Head) {
			continue
		}
		text := fmt.Sprintf("Superseded: its candidate is not under test on `%s` any more.", s.Branch)
		if see != "" {
			text = "Superseded by " + see + "."
		}
		if err := s.supersede(ctx, pull.Number, text); err != nil {
			return err
		}
		s.note("closed %s: it is superseded", pull.URL)
	}
	return nil
}

// supersede closes a pull request. The label comes first: a crash after it
// leaves one that is closed next time, and none that looks as if people had
// closed it.
func (s Server) supersede(ctx context.Context, number int64, text string) error {
	if err := s.Forge.AddLabels(ctx, number, supersededLabel); err != nil {
		return err
	}
	if err := s.Forge.Comment(ctx, number, text); err != nil {
		return err
	}
	if err := s.Forge.Close(ctx, number); !errors.Is(err, forge.ErrMerged) {
		return err
	}
	return nil
}
