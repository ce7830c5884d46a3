package helm

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestDrawsInWhatIsBetweenBraces: the quick look finds what the expressions find alone.
func TestDrawsInWhatIsBetweenBraces(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	words := []string{
		"{{", "}}", "{", "}", " ", "\n", ".", "(", "a", "rand", "randAlphaNum", "uuidv4", "shuffle", "genCA", "general", "htpasswd", "bcrypt", "encryptAES", "now", "known", "ago", "date", "dateInZone",
		"duration", "durationRound", "htmlDate", "htmlDateInZone", "keys", "values", ".Values", ".Chart", ".Chart.Name", ".Files", ".Capabilities", ".Release", ".Release.Name", ".Subcharts", ".Template",
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test needs no secret
	draws := 0
	for range 20_000 {
		var b strings.Builder
		for range 1 + r.IntN(10) {
			b.WriteString(words[r.IntN(len(words))%(2<<r.IntN(5))]) // braces more often than others
		}
		want := false
		for _, a := range action.FindAllString(b.String(), -1) {
			want = want || drawing.MatchString(a)
		}
		if want {
			draws++
		}
		if got := drawsIn([]byte(b.String())); got != want {
			t.Fatalf("%q: %v, want %v", b.String(), got, want)
		}
	}
	if draws < 500 {
		t.Errorf("%d texts draw", draws)
	}
}
