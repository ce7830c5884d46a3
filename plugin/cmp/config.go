package cmp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/flags"
)

// ConfigFile is what argocd-cmp-server calls its configuration, in the directory of it.
const ConfigFile = "plugin.yaml"

// mostConfig bounds the file.
const mostConfig = 1 << 20

// Config is what plugin.yaml says, as far as it can be served in process.
type Config struct {
	Socket     string // the file name of the socket, as argocd-cmp-server names it
	Generate   flags.Command
	Parameters *flags.Command // nil where none are announced but Static
	Static     []plugin.Announcement
	FileName   string // discover.fileName
	Glob       string // discover.find.glob
	GitCreds   bool   // provideGitCreds
}

// Discovers reports whether the plugin is asked which repositories it is for.
func (c Config) Discovers() bool { return c.FileName != "" || c.Glob != "" }

// file is plugin.yaml: https://argo-cd.readthedocs.io/en/stable/operator-manual/config-management-plugins/
type file struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Version  string  `json:"version"`
		Init     command `json:"init"`
		Generate command `json:"generate"`
		Discover struct {
			Find struct {
				command
				Glob string `json:"glob"`
			} `json:"find"`
			FileName string `json:"fileName"`
		} `json:"discover"`
		Parameters struct {
			Static  []plugin.Announcement `json:"static"`
			Dynamic command               `json:"dynamic"`
		} `json:"parameters"`
		PreserveFileMode bool `json:"preserveFileMode"`
		ProvideGitCreds  bool `json:"provideGitCreds"`
	} `json:"spec"`
}

type command struct {
	Command []string `json:"command"`
	Args    []string `json:"args"`
}

func (c command) line() []string {
	if len(c.Command) == 0 {
		return nil
	}
	return append(append([]string{}, c.Command...), c.Args...)
}

// ReadConfig reads the plugin.yaml in a directory. What argocd-cmp-server would run, and is
// not served in process, is refused.
func ReadConfig(dir string) (Config, error) {
	name := filepath.Join(dir, ConfigFile)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fmt.Errorf("read %s: there is none: name the directory of the plugin's configuration", name)
	case err != nil:
		return Config{}, fmt.Errorf("read %s: %w", name, excerpt.Cause(err))
	case !info.Mode().IsRegular(), info.Size() > mostConfig:
		return Config{}, fmt.Errorf("read %s: it is not a file of at most %d MiB", name, mostConfig>>20)
	}
	data, err := os.ReadFile(name) //nolint:gosec // the operator's own file
	if err != nil {
		return Config{}, fmt.Errorf("read %s: %w", name, excerpt.Cause(err))
	}
	c, err := DecodeConfig(data)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// DecodeConfig reads what plugin.yaml holds.
func DecodeConfig(data []byte) (Config, error) {
	var f file
	if err := yaml.UnmarshalStrict(data, &f); err != nil {
		return Config{}, fmt.Errorf("it is not a ConfigManagementPlugin: %s", excerpt.Of(err.Error(), 300))
	}
	name, _ := f.Metadata["name"].(string)
	c := Config{Static: f.Spec.Parameters.Static, FileName: f.Spec.Discover.FileName, Glob: f.Spec.Discover.Find.Glob, GitCreds: f.Spec.ProvideGitCreds}
	switch {
	case f.Kind != "ConfigManagementPlugin":
		return c, fmt.Errorf("kind is %q: it has to be ConfigManagementPlugin", excerpt.Of(f.Kind, 60))
	case name == "":
		return c, errors.New("metadata.name is missing: Applications name the plugin by it")
	case strings.ContainsAny(name+f.Spec.Version, "/\x00"):
		return c, errors.New("metadata.name and spec.version make the name of a file: leave out slashes")
	case len(f.Spec.Generate.Command) == 0:
		return c, errors.New("spec.generate.command is missing: give [assay, render]")
	case len(f.Spec.Init.Command) > 0:
		return c, errors.New("spec.init.command runs a program, and none is run in process: leave it out, or have argocd-cmp-server run it")
	case len(f.Spec.Discover.Find.Command) > 0:
		return c, errors.New("spec.discover.find.command runs a program, and none is run in process: give fileName or glob, or have argocd-cmp-server run it")
	case !doublestar.ValidatePattern(c.Glob):
		return c, fmt.Errorf("spec.discover.find.glob %q is not a pattern", excerpt.Of(c.Glob, 100))
	case !doublestar.ValidatePattern(c.FileName):
		return c, fmt.Errorf("spec.discover.fileName %q is not a pattern", excerpt.Of(c.FileName, 100))
	}
	c.Socket = name + ".sock"
	if f.Spec.Version != "" {
		c.Socket = name + "-" + f.Spec.Version + ".sock"
	}
	var err error
	if c.Generate, err = flags.Parse(f.Spec.Generate.line(), "render"); err != nil {
		return c, fmt.Errorf("spec.generate: %w", err)
	}
	if line := f.Spec.Parameters.Dynamic.line(); line != nil {
		parameters, err := flags.Parse(line, "parameters")
		if err != nil {
			return c, fmt.Errorf("spec.parameters.dynamic: %w", err)
		}
		c.Parameters = &parameters
	}
	return c, nil
}
