package clustersecret

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/application"
)

// secret is what no message may hold.
const secret = "x-secret-x"

func data(server, config string, more ...string) map[string][]byte {
	out := map[string][]byte{"name": []byte("prod"), "server": []byte(server), "config": []byte(config)}
	for pair := range slices.Chunk(more, 2) {
		out[pair[0]] = []byte(pair[1])
	}
	return out
}

// keyPair is a certificate and its key, as a Secret has them.
func keyPair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, b []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", private)
}

func TestRead(t *testing.T) {
	cert, key := keyPair(t)
	c, err := Read("cluster-prod", data("https://prod.example.com:6443/", `{"bearerToken":"`+secret+`","tlsClientConfig":{"caData":"`+cert+`","serverName":"api"},"disableCompression":true,"proxyUrl":"http://proxy:3128","later":{"a":1}}`,
		"project", "team", "namespaces", "web, shop ,", "clusterResources", "false", "shard", "1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Server != "https://prod.example.com:6443" || c.Name != "prod" || c.Project != "team" || !slices.Equal(c.Namespaces, []string{"web", "shop"}) || c.Own() {
		t.Errorf("%+v", c)
	}
	r := c.REST
	if r.Host != c.Server || r.BearerToken != secret || len(r.CAData) == 0 || r.ServerName != "api" || !r.DisableCompression {
		t.Errorf("%+v", r)
	}
	if via, err := r.Proxy(&http.Request{}); err != nil || via.Host != "proxy:3128" {
		t.Errorf("proxy %v, %v", via, err)
	}
	if c, err = Read("a", data("https://a", `{"username":"u","password":"`+secret+`","tlsClientConfig":{"insecure":true}}`), nil); err != nil || c.REST.Username != "u" || c.REST.Password != secret || !c.REST.Insecure {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = Read("a", data("https://a", `{"tlsClientConfig":{"certData":"`+cert+`","keyData":"`+key+`"}}`), nil); err != nil || len(c.REST.CertData) == 0 || len(c.REST.KeyData) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = Read("own", data("https://kubernetes.default.svc/", `{"bearerToken":"`+secret+`"}`), nil); err != nil || !c.Own() || c.REST != nil {
		t.Errorf("Argo CD's own cluster is reached by the account of this process: %+v, %v", c, err)
	}
	if c, err = Read("a", map[string][]byte{"server": []byte("http://127.0.0.1:8001")}, nil); err != nil || c.Name != "http://127.0.0.1:8001" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestReadPrograms: a program runs only where the operator allows it, as the operator names it.
func TestReadPrograms(t *testing.T) {
	const aws, login = `{"awsAuthConfig":{"clusterName":"c","roleARN":"arn:x","profile":"p"}}`, `{"execProviderConfig":{"command":"COMMAND","args":["a"],"env":{"B":"2","A":"1"},"apiVersion":"client.authentication.k8s.io/v1"}}`
	run := func(command string) string { return strings.Replace(login, "COMMAND", command, 1) }
	for name, test := range map[string]struct {
		config  string
		allowed []string
		want    string // the program, or the error
	}{
		"none":             {run("aws"), nil, "field config: execProviderConfig: it runs the program aws, which is not allowed: start assayd promoter with --cluster-auth-program aws"},
		"another":          {run("/bin/sh"), []string{"sh", "aws"}, "it runs the program /bin/sh, which is not allowed"},
		"by name":          {run("aws"), []string{"aws"}, "run aws a"},
		"by path":          {run("/opt/aws"), []string{"/opt/aws"}, "run /opt/aws a"},
		"a name for path":  {run("aws"), []string{"/opt/aws"}, "which is not allowed"},
		"above the path":   {run("/opt/../bin/sh"), []string{"/opt/aws"}, "which is not allowed"},
		"no program":       {run(""), []string{"aws"}, "execProviderConfig: command is missing"},
		"AWS without":      {aws, []string{"aws"}, "field config: awsAuthConfig: it runs the program argocd-k8s-auth, which is not allowed: start assayd promoter with --cluster-auth-program argocd-k8s-auth"},
		"AWS by name":      {aws, []string{"argocd-k8s-auth"}, "run argocd-k8s-auth aws --cluster-name c --role-arn arn:x --profile p"},
		"AWS by path":      {aws, []string{"/opt/argocd-k8s-auth"}, "run /opt/argocd-k8s-auth aws --cluster-name c --role-arn arn:x --profile p"},
		"AWS without name": {`{"awsAuthConfig":{}}`, []string{"argocd-k8s-auth"}, "awsAuthConfig: clusterName is missing"},
		"another version":  {strings.Replace(run("aws"), "/v1\"", "/v1alpha1\"", 1), []string{"aws"}, "apiVersion is neither"},
		"both":             {`{"awsAuthConfig":{"clusterName":"c"},"execProviderConfig":{"command":"aws"}}`, []string{"aws"}, "awsAuthConfig beside execProviderConfig"},
		"beside a token":   {`{"bearerToken":"` + secret + `","execProviderConfig":{"command":"aws"}}`, []string{"aws"}, "beside a token or password"},
		"many arguments":   {`{"execProviderConfig":{"command":"aws","apiVersion":"client.authentication.k8s.io/v1","args":[` + strings.Repeat(`"a",`, 200) + `"a"]}}`, []string{"aws"}, "more than 100 args"},
		"a long argument":  {`{"awsAuthConfig":{"clusterName":"` + strings.Repeat("a", 5000) + `"}}`, []string{"argocd-k8s-auth"}, "longer than 4096 bytes"},
	} {
		programs, err := ParsePrograms(test.allowed)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Read("a", data("https://a", test.config), programs)
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case c.REST.ExecProvider != nil:
			got = "run " + strings.Join(append([]string{c.REST.ExecProvider.Command}, c.REST.ExecProvider.Args...), " ")
		}
		if !strings.Contains(got, test.want) || strings.Contains(got, secret) || err == nil && got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	for _, name := range []string{"", "bin/aws", "./aws"} {
		if _, err := ParsePrograms([]string{name}); err == nil {
			t.Errorf("the program %q must be refused", name)
		}
	}
}

// TestReadRefuses: what is wrong is named by its field, and no message holds a credential.
func TestReadRefuses(t *testing.T) {
	cert, key := keyPair(t)
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	for name, test := range map[string]struct {
		server, config, want string
		more                 []string
	}{
		"no server":             {"", "{}", "field server: missing", nil},
		"not a URL":             {"prod:6443", "{}", "field server: it is not a URL", nil},
		"a control character":   {"https://a\x00b", "{}", "field server: it is not a URL", nil},
		"another scheme":        {"ftp://prod", "{}", "field server: it is not an https URL", nil},
		"plain http":            {"http://prod", "{}", "field server: it is an http URL", nil},
		"http to another host":  {"http://127.0.0.1.example.com", "{}", "field server: it is an http URL", nil},
		"a login in the URL":    {"https://u:" + secret + "@prod", "{}", "field server: it holds a user or password", nil},
		"a query":               {"https://prod?token=" + secret, "{}", "field server: it has a query", nil},
		"a long URL":            {"https://" + strings.Repeat("a", 3000), "{}", "field server: it is not a URL", nil},
		"a long name":           {"https://prod", "{}", "field name: it is longer than 253 bytes", []string{"name", strings.Repeat("n", 300)}},
		"not JSON":              {"https://prod", `{"bearerToken":"` + secret, "field config: it is not valid JSON (byte 26)", nil},
		"a list":                {"https://prod", `["` + secret + `"]`, "field config: it is not a JSON object", nil},
		"another type":          {"https://prod", `{"tlsClientConfig":{"insecure":"` + secret + `"}}`, "field config: tlsClientConfig.insecure is not a boolean", nil},
		"a token as a number":   {"https://prod", `{"bearerToken":123456}`, "field config: bearerToken is not a string", nil},
		"not base64":            {"https://prod", `{"tlsClientConfig":{"caData":"` + secret + `!"}}`, "field config: tlsClientConfig: caData is not base64", nil},
		"not PEM":               {"https://prod", `{"tlsClientConfig":{"caData":"` + encoded + `"}}`, "tlsClientConfig: caData holds no certificate in PEM", nil},
		"not a key":             {"https://prod", `{"tlsClientConfig":{"certData":"` + cert + `","keyData":"` + encoded + `"}}`, "certData and keyData are not a certificate and its key", nil},
		"a certificate alone":   {"https://prod", `{"tlsClientConfig":{"certData":"` + cert + `"}}`, "certData and keyData belong together", nil},
		"a key alone":           {"https://prod", `{"tlsClientConfig":{"keyData":"` + key + `"}}`, "certData and keyData belong together", nil},
		"a CA that is not used": {"https://prod", `{"tlsClientConfig":{"insecure":true,"caData":"` + cert + `"}}`, "insecure turns off the check that caData is for", nil},
		"two logins":            {"https://prod", `{"bearerToken":"` + secret + `","username":"u"}`, "bearerToken beside username", nil},
		"not a proxy":           {"https://prod", `{"proxyUrl":"ftp://u:` + secret + `@p"}`, "field config: proxyUrl: it is not the URL of a proxy", nil},
		"a huge config":         {"https://prod", `{"bearerToken":"` + strings.Repeat(secret, 100000) + `"}`, "field config: it is larger than 512 KiB", nil},
		"not a namespace":       {"https://prod", "{}", "field namespaces: a/b is not the name of a namespace", []string{"namespaces", "web,a/b"}},
		"many namespaces":       {"https://prod", "{}", "field namespaces: it names more than 500", []string{"namespaces", strings.Repeat("a,", 501)}},
	} {
		c, err := Read("cluster-prod", data(test.server, test.config, test.more...), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), encoded) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if c == nil || c.Secret != "cluster-prod" || c.REST != nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func set(t *testing.T, secrets map[string]map[string][]byte) *Set {
	t.Helper()
	var s Set
	for name, data := range secrets {
		s.Put(Read(name, data, nil))
	}
	return &s
}

func named(name, server, config string) map[string][]byte {
	return data(server, config, "name", name)
}

func TestFind(t *testing.T) {
	s := set(t, map[string]map[string][]byte{
		"a":      named("prod", "https://prod.example.com/", "{}"),
		"broken": named("test", "https://test.example.com", "{"),
		"lost":   named("lost", "", "{}"),
		"x1":     named("one", "https://twice.example.com", "{}"), "x2": named("two", "https://TWICE.example.com:443", "{}"),
		"y1": named("same", "https://y1", "{}"), "y2": named("same", "https://y2", "{}"),
	})
	for name, test := range map[string]struct {
		to   application.Target
		want string // the server; or the error
	}{
		"by server":                  {application.Target{Server: "https://prod.example.com"}, "https://prod.example.com"},
		"by name":                    {application.Target{Name: "prod"}, "https://prod.example.com"},
		"by both":                    {application.Target{Server: "https://prod.example.com", Name: "prod"}, "https://prod.example.com"},
		"by both, of two":            {application.Target{Server: "https://prod.example.com", Name: "same"}, "it names both a server and the name of another cluster"},
		"own by server":              {application.Target{Server: application.InCluster}, application.InCluster},
		"own by name":                {application.Target{Name: "in-cluster"}, application.InCluster},
		"own by both":                {application.Target{Server: application.InCluster, Name: "in-cluster"}, application.InCluster},
		"none":                       {application.Target{}, "it names no cluster"},
		"unknown by server":          {application.Target{Server: "https://far"}, "the cluster https://far: no cluster Secret of Argo CD is about it"},
		"unknown by name":            {application.Target{Name: "far"}, "the cluster far: no cluster Secret of Argo CD is about it"},
		"another spelling":           {application.Target{Server: "https://prod.example.com:443"}, "no cluster Secret of Argo CD is about it"},
		"broken":                     {application.Target{Name: "test"}, "the cluster test (Secret broken) cannot be used: field config: it is not valid JSON"},
		"broken by server":           {application.Target{Server: "https://test.example.com"}, "the cluster test (Secret broken) cannot be used"},
		"without a server":           {application.Target{Name: "lost"}, "the cluster lost (Secret lost) cannot be used: field server: missing"},
		"another cluster's host":     {application.Target{Name: "one"}, "the cluster one: the Secrets x1, x2 are all for its server, and which of them counts is not known: remove all but one"},
		"another cluster's, too":     {application.Target{Name: "two"}, "the cluster two: the Secrets x1, x2 are all for its server"},
		"two of one name":            {application.Target{Name: "same"}, "the cluster same: the Secrets y1, y2 all have that name"},
		"two of one name, by server": {application.Target{Server: "https://y2"}, "https://y2"},
	} {
		c, err := s.Find(test.to)
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case c != nil:
			got = c.Server
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if unknown := strings.HasPrefix(name, "unknown"); unknown != (errors.Is(err, ErrUnknown) && c == nil) && name != "another spelling" {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// TestOwnByAnotherName: a Secret for Argo CD's own cluster gives it another name, and the old one is
// nobody's then.
func TestOwnByAnotherName(t *testing.T) {
	s := set(t, map[string]map[string][]byte{"own": data(application.InCluster, "{}", "name", "hub", "namespaces", "web")})
	if c, err := s.Find(application.Target{Name: "hub"}); err != nil || !c.Own() || !slices.Equal(c.Namespaces, []string{"web"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := s.Find(application.Target{Server: application.InCluster}); err != nil || c.Name != "hub" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := s.Find(application.Target{Name: "in-cluster"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("error %v", err)
	}
	s.Remove("own")
	if c, err := s.Find(application.Target{Name: "in-cluster"}); err != nil || c.Secret != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestSetComesAndGoes: a Secret that goes leaves nothing, and what it was in the way of works again.
func TestSetComesAndGoes(t *testing.T) {
	var s Set
	for range 3 {
		s.Put(Read("a", named("one", "https://a", "{}"), nil))
		s.Put(Read("b", named("two", "https://a/", "{}"), nil))
		if _, err := s.Find(application.Target{Name: "one"}); err == nil {
			t.Error("two Secrets for one server must be an error")
		}
		gone := s.Remove("b")
		if same := s.Same(gone); len(same) != 1 || same[0].Secret != "a" {
			t.Errorf("what changes with it: %v", same)
		}
		if c, err := s.Find(application.Target{Name: "one"}); err != nil || c.Secret != "a" {
			t.Errorf("%+v, %v", c, err)
		}
		s.Remove("a")
	}
	if len(s.secrets)+len(s.servers)+len(s.names) != 0 {
		t.Errorf("it keeps %+v", s)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("https://a", `{"bearerToken":"t","tlsClientConfig":{"caData":"YQ=="}}`, "a,b")
	f.Fuzz(func(t *testing.T, server, config, namespaces string) {
		c, err := Read("s", data(server, config, "namespaces", namespaces), nil)
		if c == nil || err == nil && !c.Own() && c.REST == nil {
			t.Errorf("read %+v, %v", c, err)
		}
		var s Set
		s.Put(c, err)
		if got, found := s.Find(application.Target{Server: c.Server}); err == nil && found != nil {
			t.Errorf("found %+v, %v", got, found)
		}
	})
}
