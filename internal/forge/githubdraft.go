package forge

import (
	"context"
	"strings"
)

// GitHub's REST API opens drafts, but changes them only through GraphQL.
const (
	toDraft = `mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { clientMutationId } }`
	toReady = `mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }`
)

func (g *githubAPI) setDraft(ctx context.Context, number int64, draft bool) error {
	p, _, err := g.client.PullRequests.Get(ctx, g.owner, g.name, int(number))
	if err != nil {
		return err
	}
	query := toReady
	if draft {
		query = toDraft
	}
	req, err := g.client.NewRequest(ctx, "POST", g.graphQL(), map[string]any{
		"query": query, "variables": map[string]string{"id": p.GetNodeID()},
	})
	if err != nil {
		return err
	}
	var answer struct {
		Errors []struct{ Message string }
	}
	if _, err := g.client.Do(req, &answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return refusal(answer.Errors[0].Message)
	}
	return nil
}

// graphQL is below the REST API at GitHub's, and beside it on a server of one's own.
func (g *githubAPI) graphQL() string {
	if root, ok := strings.CutSuffix(g.client.BaseURL(), "/api/v3/"); ok {
		return root + "/api/graphql"
	}
	return "graphql"
}
