// Package image makes the image of the Dockerfile and runs it as a pod does, without
// an engine:
//
//  1. Read reads the Dockerfile's last stage (recipe.go).
//  2. Recipe.Root makes its root file system, with debootstrap for FROM and in a chroot
//     for each RUN, and keeps it as a tar beside the components (root.go).
//  3. Image.Unpack lays it out with the files that COPY names (unpack.go).
//  4. Pod reads the containers of manifests/ (pod.go), and Container runs a command
//     where nothing but their mounts can be written (container.go).
//
// It needs root for the last three, and the network for the second.
package image

import (
	"fmt"
	"os"
	"strings"
)

// Recipe is the last stage of a Dockerfile.
type Recipe struct {
	Suite string   // of Debian
	Run   []string // the shell's commands, in order
	Copy  []Copy
	User  string // UID:GID
}

// Copy is one COPY.
type Copy struct {
	Stage string // another stage; empty for the repository
	From  []string
	To    string // a directory, if it ends in a slash
}

// Read reads a Dockerfile. An instruction of the last stage that is not known here is
// an error: the image would not be what is tested.
func Read(file string) (Recipe, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Recipe{}, err
	}
	var r Recipe
	number, start, text := 0, 1, ""
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "#") || text == "" && strings.TrimSpace(line) == "" {
			continue
		}
		if text == "" {
			start = number
		}
		if before, more := strings.CutSuffix(line, "\\"); more {
			text += before
			continue
		}
		if err := r.add(text + line); err != nil {
			return Recipe{}, fmt.Errorf("%s:%d: %w", file, start, err)
		}
		text = ""
	}
	if r.Suite == "" {
		return Recipe{}, fmt.Errorf("%s: the last stage is not from debian:SUITE-slim", file)
	}
	return r, nil
}

// add adds an instruction. FROM starts over: only the last stage counts.
func (r *Recipe) add(instruction string) error {
	name, rest, _ := strings.Cut(instruction, " ")
	rest = strings.TrimSpace(rest)
	if name == "FROM" {
		*r = Recipe{}
		suite, fromDebian := strings.CutPrefix(rest, "debian:")
		suite, slim := strings.CutSuffix(suite, "-slim")
		if fromDebian && slim {
			r.Suite = suite
		}
		return nil
	}
	if r.Suite == "" {
		return nil
	}
	switch name {
	case "RUN":
		r.Run = append(r.Run, rest)
	case "COPY":
		return r.addCopy(strings.Fields(rest))
	case "USER":
		r.User = rest
	case "ENTRYPOINT": // pods name their command
	default:
		return fmt.Errorf("%s is not known in the last stage: teach it to test/image", name)
	}
	return nil
}

func (r *Recipe) addCopy(words []string) error {
	var c Copy
	if stage, found := strings.CutPrefix(words[0], "--from="); found {
		c.Stage, words = stage, words[1:]
	}
	if len(words) < 2 || strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("COPY %s is not understood: teach it to test/image", strings.Join(words, " "))
	}
	c.From, c.To = words[:len(words)-1], words[len(words)-1]
	r.Copy = append(r.Copy, c)
	return nil
}
