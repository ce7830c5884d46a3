package git

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestLimitReachesWhatWasStarted: a command may have started others before it is
// bounded itself.
func TestLimitReachesWhatWasStarted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "sh -c 'echo $$; read x' <&3 & wait")
	cmd.ExtraFiles = []*os.File{r}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 32)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	limit(cmd, true)
	data, err := os.ReadFile("/proc/" + strings.TrimSpace(string(buf[:n])) + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	_ = cmd.Wait()
	if !strings.Contains(string(data), "402653184") {
		t.Errorf("the limits of what was started before are\n%s", data)
	}
}
