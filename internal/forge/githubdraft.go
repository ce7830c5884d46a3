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
	address := "graphql"
	if strings.HasSuffix(g.client.BaseURL(), "/api/v3/") {
		address = "../graphql" // on a server of one's own it is beside the REST API
	}
	req, err := g.client.NewRequest(ctx, "POST", address, map[string]any{
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
