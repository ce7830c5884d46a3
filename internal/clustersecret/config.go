package clustersecret

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"k8s.io/client-go/rest"
)

// config is the field config of a Secret. Other fields are passed over, as by Argo CD.
type config struct {
	Username           string      `json:"username"`
	Password           string      `json:"password"`
	BearerToken        string      `json:"bearerToken"`
	TLS                tlsConfig   `json:"tlsClientConfig"`
	AWS                *awsConfig  `json:"awsAuthConfig"`
	Exec               *execConfig `json:"execProviderConfig"`
	DisableCompression bool        `json:"disableCompression"`
	ProxyURL           string      `json:"proxyUrl"`
}

type tlsConfig struct {
	Insecure   bool   `json:"insecure"`
	ServerName string `json:"serverName"`
	CertData   string `json:"certData"` // these three are PEM in base64
	KeyData    string `json:"keyData"`
	CAData     string `json:"caData"`
}

func readConfig(data []byte, programs Programs) (*rest.Config, error) {
	var c config
	if len(data) > mostConfig {
		return nil, fmt.Errorf("it is larger than %d KiB", mostConfig>>10)
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, notJSON(err)
		}
	}
	out := &rest.Config{Username: c.Username, Password: c.Password, BearerToken: c.BearerToken, DisableCompression: c.DisableCompression}
	switch {
	case c.BearerToken != "" && (c.Username != "" || c.Password != ""):
		return nil, errors.New("it has bearerToken beside username and password: give one of them")
	case c.AWS != nil && c.Exec != nil:
		return nil, errors.New("it has awsAuthConfig beside execProviderConfig: give one of them")
	case (c.AWS != nil || c.Exec != nil) && (c.BearerToken != "" || c.Username != "" || c.Password != ""):
		return nil, errors.New("it has a program for its login beside a token or password: give one of them")
	}
	var err error
	if out.TLSClientConfig, err = c.TLS.read(); err != nil {
		return nil, fmt.Errorf("tlsClientConfig: %w", err)
	}
	if out.Proxy, err = proxy(c.ProxyURL); err != nil {
		return nil, fmt.Errorf("proxyUrl: %w", err)
	}
	switch {
	case c.AWS != nil:
		out.ExecProvider, err = c.AWS.provider(programs)
	case c.Exec != nil:
		out.ExecProvider, err = c.Exec.provider(programs)
	}
	return out, err
}

// notJSON says what is wrong with JSON, and quotes none of it.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not valid JSON (byte %d)", syntax.Offset)
	case errors.As(err, &other) && other.Field != "":
		return fmt.Errorf("%s is not a %s", other.Field, words(other.Type.Kind().String()))
	}
	return errors.New("it is not a JSON object")
}

// words names a type of Go as JSON does.
func words(kind string) string {
	switch kind {
	case "bool":
		return "boolean"
	case "slice":
		return "list"
	case "struct", "map", "ptr":
		return "JSON object"
	}
	return kind
}

func (t tlsConfig) read() (rest.TLSClientConfig, error) {
	out := rest.TLSClientConfig{Insecure: t.Insecure, ServerName: t.ServerName}
	for _, field := range []struct {
		name, text string
		into       *[]byte
	}{{"caData", t.CAData, &out.CAData}, {"certData", t.CertData, &out.CertData}, {"keyData", t.KeyData, &out.KeyData}} {
		var err error
		if *field.into, err = base64.StdEncoding.DecodeString(field.text); err != nil {
			return out, fmt.Errorf("%s is not base64", field.name)
		}
	}
	switch {
	case len(out.CAData) > 0 && !x509.NewCertPool().AppendCertsFromPEM(out.CAData):
		return out, errors.New("caData holds no certificate in PEM")
	case len(out.CAData) > 0 && t.Insecure:
		return out, errors.New("insecure turns off the check that caData is for: remove one of them")
	case (len(out.CertData) > 0) != (len(out.KeyData) > 0):
		return out, errors.New("certData and keyData belong together: give both")
	case len(out.CertData) > 0:
		if _, err := tls.X509KeyPair(out.CertData, out.KeyData); err != nil {
			return out, errors.New("certData and keyData are not a certificate and its key in PEM")
		}
	}
	return out, nil
}

// proxy is how requests go to a server; nil is as the process's environment says.
func proxy(text string) (func(*http.Request) (*url.URL, error), error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return nil, errors.New("it is not the URL of a proxy: give it as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT")
	}
	return http.ProxyURL(u), nil
}
