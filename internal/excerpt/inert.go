package excerpt

import "regexp"

// acts are the words by which forges and their CI take orders from the message of
// a commit: references to issues and merge requests, which may close them, also in
// trackers of their own, mentions, Jira's commands, and what skips a pipeline.
var acts = []struct {
	word *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(^|[^0-9A-Za-z_])@([0-9A-Za-z_])`), "$1@ $2"},
	{regexp.MustCompile(`([#!])([0-9A-Za-z])`), "$1 $2"},
	{regexp.MustCompile(`(?i)\b(GH)-([0-9])`), "$1- $2"},
	{regexp.MustCompile(`(?i)/(issues|pull|pulls|merge_requests|work_items|epics|commit)/([0-9a-z])`), "/$1/ $2"},
	{regexp.MustCompile(`(?i)\b((?:clos|fix|resolv|implement|complet)(?:e|es|ed|s|ing)?:?[\t ]+(?:issues?[\t ]+)?[a-z][a-z0-9_]*)-([0-9])`), "$1- $2"},
	{regexp.MustCompile(`(?i)\[(skip|no|ci|actions|azp|pipelines?)([ _-])`), "[ $1$2"},
	{regexp.MustCompile(`(?i)\[([a-z]+(?:[ _-][a-z]+)?[ _-]skip\])`), "[ $1"},
	{regexp.MustCompile(`(?i)\*\*\*(NO_CI)`), "*** $1"},
	{regexp.MustCompile(`(?i)\b(skip-checks):`), "$1 :"},
}

// Inert keeps untrusted text from giving orders where it stands in the message of
// a commit or in a title: it closes no issue, mentions nobody and skips no
// pipeline. People can still read it. What is inert stays as it is.
func Inert(text string) string {
	for _, a := range acts {
		text = a.word.ReplaceAllString(text, a.with)
	}
	return text
}
