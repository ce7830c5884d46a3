package clustersecret

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/assaydev/assay/internal/excerpt"
)

// Programs are those that Secrets may have run for a login: absolute paths, or names that are looked
// for in PATH. A Secret names one in the same way.
type Programs []string

// ParsePrograms checks what the operator gives.
func ParsePrograms(list []string) (Programs, error) {
	for _, name := range list {
		if name == "" || strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
			return nil, fmt.Errorf("%q is neither a name nor an absolute path", name)
		}
	}
	return list, nil
}

// forAWS is the program of Argo CD's image that logs in to clusters of AWS.
const forAWS = "argocd-k8s-auth"

// What a Secret may give a program.
const (
	mostArgs = 100
	mostWord = 4096 // bytes
)

type execConfig struct {
	Command    string            `json:"command"`
	Args       []string          `json:"args"`
	Env        map[string]string `json:"env"`
	APIVersion string            `json:"apiVersion"`
}

type awsConfig struct {
	ClusterName string `json:"clusterName"`
	RoleARN     string `json:"roleARN"`
	Profile     string `json:"profile"`
}

func (e execConfig) provider(programs Programs) (*api.ExecConfig, error) {
	if !slices.Contains(programs, e.Command) {
		return nil, refused("execProviderConfig", e.Command)
	}
	if !slices.Contains([]string{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"}, e.APIVersion) {
		return nil, errors.New("execProviderConfig: apiVersion is neither client.authentication.k8s.io/v1 nor client.authentication.k8s.io/v1beta1")
	}
	if len(e.Args) > mostArgs || len(e.Env) > mostArgs {
		return nil, fmt.Errorf("execProviderConfig: it has more than %d args or variables", mostArgs)
	}
	out := &api.ExecConfig{APIVersion: e.APIVersion, Command: e.Command, Args: e.Args, InteractiveMode: api.NeverExecInteractiveMode}
	for _, name := range slices.Sorted(maps.Keys(e.Env)) {
		out.Env = append(out.Env, api.ExecEnvVar{Name: name, Value: e.Env[name]})
	}
	return out, checkWords(e.Args)
}

// provider runs what Argo CD runs for such a Secret.
func (a awsConfig) provider(programs Programs) (*api.ExecConfig, error) {
	at := slices.IndexFunc(programs, func(p string) bool { return path.Base(p) == forAWS })
	switch {
	case at < 0:
		return nil, refused("awsAuthConfig", forAWS)
	case a.ClusterName == "":
		return nil, errors.New("awsAuthConfig: clusterName is missing")
	}
	args := []string{"aws", "--cluster-name", a.ClusterName}
	if a.RoleARN != "" {
		args = append(args, "--role-arn", a.RoleARN)
	}
	if a.Profile != "" {
		args = append(args, "--profile", a.Profile)
	}
	return &api.ExecConfig{APIVersion: "client.authentication.k8s.io/v1beta1", Command: programs[at], Args: args, InteractiveMode: api.NeverExecInteractiveMode}, checkWords(args)
}

func checkWords(args []string) error {
	if slices.ContainsFunc(args, func(s string) bool { return len(s) > mostWord || strings.ContainsRune(s, 0) }) {
		return fmt.Errorf("an argument of the program is longer than %d bytes, or has a null byte", mostWord)
	}
	return nil
}

// refused says how the operator allows a program.
func refused(field, command string) error {
	if command == "" {
		return fmt.Errorf("%s: command is missing", field)
	}
	command = excerpt.Of(command, 200)
	return fmt.Errorf("%s: it runs the program %s, which is not allowed: start assayd promoter with --cluster-auth-program %s if its image has it and you trust it", field, command, command)
}
