package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const dockerfile = `# A comment.
FROM golang:1.26 AS build
WORKDIR /src
RUN make

FROM debian:trixie-slim
# Before.
RUN apt-get install \
      git \
# Between.
      gpg
COPY --from=build /assay /assayd /usr/local/bin/
COPY plugin.yaml /etc/plugin.yaml
USER 999:999
ENTRYPOINT ["assay"]
`

func TestRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(dockerfile)
	got, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := Recipe{
		Suite: "trixie", Run: []string{"apt-get install       git       gpg"}, User: "999:999",
		Copy: []Copy{{"build", []string{"/assay", "/assayd"}, "/usr/local/bin/"}, {"", []string{"plugin.yaml"}, "/etc/plugin.yaml"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for message, text := range map[string]string{
		":7: VOLUME is not known in the last stage": strings.Replace(dockerfile, "# Before.", "VOLUME /data", 1),
		":13: COPY --chmod=755 a b is not":          strings.Replace(dockerfile, "plugin.yaml /etc/plugin.yaml", "--chmod=755 a b", 1),
		"the last stage is not from debian:":        strings.Replace(dockerfile, "trixie-slim", "trixie", 1),
	} {
		write(text)
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v, want %q", err, message)
		}
	}
}
