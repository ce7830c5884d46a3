package forge

import (
	"context"
	"strings"

	"code.gitea.io/sdk/gitea"
)

// labelColor is that of a label that had to be made.
const labelColor = "#0b6b6b"

// addLabels makes the labels that the repository lacks: Gitea takes a label by
// its number.
func (g *giteaAPI) addLabels(ctx context.Context, number int64, labels []string) error {
	client, err := g.with(ctx)
	if err != nil {
		return err
	}
	known, err := g.labels(client)
	if err != nil {
		return err
	}
	var ids []int64
	for _, name := range labels {
		id, ok := known[strings.ToLower(name)]
		if !ok {
			label, _, err := client.CreateLabel(g.owner, g.name, gitea.CreateLabelOption{Name: name, Color: labelColor})
			if err != nil {
				return err
			}
			id = label.ID
		}
		ids = append(ids, id)
	}
	_, _, err = client.AddIssueLabels(g.owner, g.name, number, gitea.IssueLabelsOption{Labels: ids})
	return err
}

// labels are the repository's labels by name.
func (g *giteaAPI) labels(client *gitea.Client) (map[string]int64, error) {
	ids := map[string]int64{}
	opt := gitea.ListLabelsOptions{ListOptions: gitea.ListOptions{Page: 1, PageSize: giteaPage}}
	for {
		page, res, err := client.ListRepoLabels(g.owner, g.name, opt)
		if err != nil {
			return nil, err
		}
		for _, label := range page {
			ids[strings.ToLower(label.Name)] = label.ID
		}
		if res.NextPage == 0 {
			return ids, nil
		}
		opt.Page = res.NextPage
	}
}
