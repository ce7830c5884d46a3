// Package clustersecret reads the clusters that Argo CD deploys to, from the Secrets that it keeps of
// them.
//
//  1. Read makes one Secret a Cluster: where its API server is, and the login there
//     (config.go, program.go).
//  2. A Set holds them all, and what is wrong with each. Find gives the cluster that an Application
//     names, by server or name (set.go).
//
// Label and fields are those of Argo CD's documentation, "Declarative Setup", "Clusters". What is wrong
// with a Secret is an error of that Secret alone, which names the field and never quotes what may be
// a credential.
package clustersecret

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/excerpt"
)

// What Argo CD labels the Secret of a cluster with.
const (
	TypeLabel = "argocd.argoproj.io/secret-type"
	Type      = "cluster"
)

// What a Secret may take. A bundle of certificates has some hundred KiB.
const (
	mostConfig     = 512 << 10 // bytes
	mostServer     = 2048      // bytes
	mostName       = 253       // bytes
	mostNamespaces = 500
)

// Cluster is a cluster as its Secret has it.
type Cluster struct {
	Secret     string // its name, for people; empty for Argo CD's own cluster without one
	Name       string
	Server     string   // without a trailing slash
	Project    string   // whose Applications alone it is for; empty is all
	Namespaces []string // that it is for; none is all

	// REST is how it is reached. It is nil for Argo CD's own cluster, which is reached by the account
	// of this process.
	REST *rest.Config
}

// Own reports whether it is the cluster that Argo CD runs in.
func (c *Cluster) Own() bool { return c.Server == application.InCluster }

// String names the cluster for people.
func (c *Cluster) String() string {
	if c.Secret == "" {
		return "the cluster " + c.Name
	}
	return fmt.Sprintf("the cluster %s (Secret %s)", excerpt.Of(c.Name, mostName), c.Secret)
}

// Read reads a Secret's data. With an error, name and server are what is known of them.
func Read(secret string, data map[string][]byte, programs Programs) (*Cluster, error) {
	text := func(field string) string { return strings.TrimSpace(string(data[field])) }
	c := &Cluster{Secret: secret, Name: text("name"), Server: strings.TrimRight(text("server"), "/"), Project: text("project")}
	if c.Name == "" {
		c.Name = c.Server
	}
	if err := checkServer(c.Server); err != nil {
		c.Server = ""
		return c, fmt.Errorf("field server: %w", err)
	}
	if len(c.Name) > max(mostName, len(c.Server)) {
		c.Name = c.Server
		return c, fmt.Errorf("field name: it is longer than %d bytes", mostName)
	}
	var err error
	if c.Namespaces, err = namespaces(text("namespaces")); err != nil {
		return c, fmt.Errorf("field namespaces: %w", err)
	}
	config, err := readConfig(data["config"], programs)
	if err != nil {
		return c, fmt.Errorf("field config: %w", err)
	}
	if !c.Own() {
		config.Host = c.Server
		c.REST = config
	}
	return c, nil
}

// checkServer takes the URL of an API server.
func checkServer(server string) error {
	if server == "" {
		return errors.New("missing: give the URL of the API server")
	}
	u, err := url.Parse(server)
	switch {
	case len(server) > mostServer || err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("it is not a URL: give it as https://HOST:PORT")
	case u.User != nil:
		return errors.New("it holds a user or password: put them in the field config")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("it has a query or a fragment: give it as https://HOST:PORT")
	case u.Scheme == "http" && isLoopback(u.Hostname()), u.Scheme == "https":
		return nil
	case u.Scheme == "http":
		return errors.New("it is an http URL, and whoever listens on the way would get the login: give an https URL")
	}
	return errors.New("it is not an https URL: give it as https://HOST:PORT")
}

// isLoopback reports whether a host is this machine, which a proxy beside this process may listen on.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// canonical is a server by which two spellings of one are told: Argo CD itself compares the text.
func canonical(server string) string {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return server
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port) + strings.TrimRight(u.Path, "/")
}

func namespaces(text string) ([]string, error) {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case len(list) == mostNamespaces:
			return nil, fmt.Errorf("it names more than %d", mostNamespaces)
		case len(validation.IsDNS1123Label(name)) > 0:
			return nil, fmt.Errorf("%s is not the name of a namespace", excerpt.Of(name, 60))
		default:
			list = append(list, name)
		}
	}
	return list, nil
}
