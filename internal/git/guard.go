package git

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// mostOverruled is how many programs of one repository are put out of reach. All
// of them go through the environment of each git command.
const mostOverruled = 1000

// programs are the settings that name a program, or that have one run. Sections
// and names are in lower case, as git prints them; a star is any subsection.
var programs = []string{
	"core.sshcommand", "core.gitproxy", "core.askpass", "core.editor", "core.pager", "core.alternaterefscommand",
	"sequence.editor", "interactive.difffilter", "pager.*", "credential.helper", "credential.*.helper",
	"diff.external", "diff.*.command", "diff.*.textconv", "difftool.*.cmd", "merge.*.driver", "mergetool.*.cmd",
	"trailer.*.command", "trailer.*.cmd", "hook.*.command", "remote.*.uploadpack", "remote.*.receivepack", "remote.*.vcs",
	"uploadpack.packobjectshook", "submodule.*.update", "tar.*.command",
	"gpg.program", "gpg.*.program", "gpg.ssh.defaultkeycommand",
	// Programs of git-lfs, which may be the user's own filter.
	"lfs.extension.*.clean", "lfs.extension.*.smudge", "lfs.customtransfer.*.path", "lfs.standalonetransferagent",
}

// neutral is what a setting of a program becomes where the user has none. The
// signing programs are then git's usual ones.
var neutral = map[string]string{
	"gpg.program": "gpg", "gpg.openpgp.program": "gpg", "gpg.x509.program": "gpgsm", "gpg.ssh.program": "ssh-keygen",
	"gpg.ssh.defaultkeycommand": "false", // an empty one ends git with a bug report
}

// Guard keeps git from running what the repository's own configuration names.
// The system's and the user's configuration stay in force.
type Guard struct {
	Config  [][2]string       // settings that outrank the repository's
	Filters map[string]string // drivers that only the repository has, and the setting that has it
	Signer  string            // the setting of a signing program that is not run, empty without one
}

// NewGuard reads the configuration of the runner's repository.
func NewGuard(ctx context.Context, r Runner) (Guard, error) {
	out, err := r.Run(ctx, nil, "config", "--list", "--show-scope", "-z")
	if err != nil {
		return Guard{}, fmt.Errorf("read configuration: %w", err)
	}
	g := Guard{Filters: map[string]string{}}
	own, user := scopes(string(out))
	for _, key := range slices.Sorted(maps.Keys(own)) {
		if driver, found := filterDriver(key); found {
			g.filter(driver, key, own[key], user)
		} else if slices.ContainsFunc(programs, func(p string) bool { return matches(p, key) }) {
			g.overrule(key, user)
		}
	}
	if len(g.Config) > mostOverruled {
		return Guard{}, fmt.Errorf("read configuration: the repository's own names more than %d programs: remove them from it", mostOverruled)
	}
	return g, nil
}

// scopes sorts settings into the repository's own and those of the user, the
// system and the command line. The last value of a setting counts.
func scopes(list string) (own, user map[string]string) {
	own, user = map[string]string{}, map[string]string{}
	fields := strings.Split(list, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		key, value, _ := strings.Cut(fields[i+1], "\n")
		switch fields[i] {
		case "system", "global", "command":
			user[key] = value
		default:
			own[key] = value
		}
	}
	return own, user
}

// matches compares a setting with a pattern. A subsection is any text.
func matches(pattern, key string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return key == pattern
	}
	return len(key) > len(before)+len(after) && strings.HasPrefix(key, before) && strings.HasSuffix(key, after)
}

// overrule gives a setting the value that it has without the repository.
func (g *Guard) overrule(key string, user map[string]string) {
	value, found := user[key]
	if !found {
		value = neutral[key]
	}
	if key == "gpg.program" || key == "gpg.openpgp.program" { // two names of one thing
		for _, other := range []string{"gpg.program", "gpg.openpgp.program"} {
			if v, ok := user[other]; ok && !found {
				value = v
			}
		}
	}
	if strings.HasPrefix(key, "gpg.") {
		g.Signer = key
	}
	g.Config = append(g.Config, [2]string{key, value})
}

// filterDriver is the driver that a setting of a filter is of.
func filterDriver(key string) (string, bool) {
	rest, found := strings.CutPrefix(key, "filter.")
	if !found {
		return "", false
	}
	switch path.Ext(rest) {
	case ".clean", ".smudge", ".process", ".required":
		return strings.TrimSuffix(rest, path.Ext(rest)), true
	}
	return "", false
}

// filter overrules a setting of a filter. Where the user has no such filter, none
// of it is left, and whoever needs it must be refused: without it other bytes
// would be committed. So must be where the repository turns the user's filter
// into another kind, which no setting turns back.
func (g *Guard) filter(driver, key, own string, user map[string]string) {
	value, found := user[key]
	name := path.Ext(key)
	switch {
	case found:
	case name == ".required":
		value = "false"
	case own != "":
		known := user["filter."+driver+".clean"] + user["filter."+driver+".process"]
		if known == "" || name == ".process" {
			g.Filters[driver] = key
		}
	}
	g.Config = append(g.Config, [2]string{key, value})
}
