package experiment

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestNoFunctionMakesTooMuch: what multiplies is refused before it is made.
func TestNoFunctionMakesTooMuch(t *testing.T) {
	const shared = `{{ $i := dict }}{{ $o := dict }}{{ range until 1000 }}{{ $_ := set $o (print .) $i }}{{ end }}{{ $_ := set $i "x" $b }}`
	const a, b = `{{ $a := repeat 4000 "b" }}{{ $b := repeat 2000000 "a" }}`, `{{ $l := until 400000 }}`
	for name, text := range map[string]string{
		"replace":                    `{{ replace "a" $a $b | len }}`,
		"replace of nothing":         `{{ replace "" $a $b | len }}`,
		"regexReplaceAll":            `{{ regexReplaceAll "a" $b $a | len }}`,
		"regexReplaceAll of nothing": `{{ regexReplaceAll "" $b $a | len }}`,
		"regexReplaceAll, groups":    `{{ regexReplaceAll "(a+)" $b (repeat 1000 "$1") | len }}`,
		"regexReplaceAllLiteral":     `{{ regexReplaceAllLiteral "a" $b $a | len }}`,
		"mustRegexReplaceAll":        `{{ mustRegexReplaceAll "a" $b $a | len }}`,
		"mustRegexReplaceAllLiteral": `{{ mustRegexReplaceAllLiteral "a" $b $a | len }}`,
		"regexFindAll":               `{{ regexFindAll "a" $b -1 | len }}`,
		"regexFindAll of nothing":    `{{ regexFindAll "" $b -1 | len }}`,
		"mustRegexFindAll":           `{{ mustRegexFindAll "" $b -1 | len }}`,
		"regexSplit":                 `{{ regexSplit "a" $b -1 | len }}`,
		"mustRegexSplit":             `{{ mustRegexSplit "" $b -1 | len }}`,
		"a long pattern":             `{{ regexMatch $b $b }}`,
		"split":                      `{{ split "a" $b | len }}`,
		"splitList":                  `{{ splitList "" $b | len }}`,
		"splitn":                     `{{ splitn "a" 1000000 $b | len }}`,
		"join":                       `{{ join $b $l | len }}`,
		"join of a list":             `{{ join $a (splitList "," (repeat 20000 "x,")) | len }}`,
		"wrap":                       `{{ wrap 1 (repeat 2000 $a) | len }}`,
		"wrapWith":                   `{{ wrapWith 1 $a $b | len }}`,
		"printf with widths":         `{{ printf (repeat 10000 "%900000d") 1 | len }}`,
		"printf with given widths":   `{{ printf (repeat 10000 "%*d") 900000 1 | len }}`,
		"printf with precision":      `{{ printf (repeat 10000 "%.900000f") 1.0 | len }}`,
		"printf again":               `{{ printf (repeat 10000 "%[1]s") $b | len }}`,
		"print":                      `{{ print $b $b $b $b | len }}`,
		"cat":                        `{{ cat $b $b $b $b | len }}`,
		"quote":                      `{{ quote $b $b $b | len }}`,
		"list":                       `{{ list $b $b $b | len }}`,
		"concat":                     `{{ concat $l $l $l $l $l $l $l $l $l $l $l | len }}`,
		"toPrettyJson":               `{{ $d := list (until 4000) }}{{ range 600 }}{{ $d = list $d }}{{ end }}{{ toPrettyJson $d | len }}`,
		"mustToPrettyJson":           `{{ $d := list (until 4000) }}{{ range 600 }}{{ $d = list $d }}{{ end }}{{ mustToPrettyJson $d | len }}`,
		"toJson of a shared part":    shared + `{{ toJson $o | len }}`,
		"toRawJson of a shared part": shared + `{{ toRawJson $o | len }}`,
		"toString of a shared part":  shared + `{{ toString $o | len }}`,
		"deepCopy of a shared part":  shared + `{{ deepCopy $o | len }}`,
		"join of a shared part":      shared + `{{ join "," (values $o) | len }}`,
		"merge of a shared part":     shared + `{{ merge (dict) $o | len }}`,
		"what only repeats, often":   `{{ uniq $l | len }}`,
		"without, often":             `{{ without $l ` + strings.Repeat(" 1", 400) + ` | len }}`,
		"a slow pattern":             `{{ regexMatch "(x+x+)+y|(.*.*.*){1,300}z" $b }}`,
		"repeat":                     `{{ repeat 2000000 $a | len }}`,
		"indent":                     `{{ indent 4000 (repeat 100000 "\n") | len }}`,
		"nindent":                    `{{ nindent 4000 (repeat 100000 "\n") | len }}`,
		"html":                       `{{ html (replace "a" "<" $b) | len }}`,
		"js":                         `{{ js (replace "a" "<" $b) | len }}`,
		"urlquery":                   `{{ urlquery (replace "a" "<" $b) | len }}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := execute(context.Background(), file("a.yaml.tmpl", a+b+text), input(t), testID, Options{}.defaulted())
		runtime.ReadMemStats(&after)
		var limit *limitError
		if !errors.As(err, &limit) || !strings.Contains(fmt.Sprint(err), "larger than") {
			t.Errorf("%s: %v", name, err)
		}
		if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 100 {
			t.Errorf("%s: %d MiB were made", name, made)
		}
	}
}

// TestPrintsNoMoreThanItMay: what is printed is weighed before it is made into text.
func TestPrintsNoMoreThanItMay(t *testing.T) {
	text := `{{ $i := dict }}{{ $o := dict }}{{ range until 1000 }}{{ $_ := set $o (print .) $i }}{{ end }}{{ $_ := set $i "x" (repeat 2000000 "a") }}{{ $o }}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := execute(context.Background(), file("a.yaml.tmpl", text), input(t), testID, Options{}.defaulted())
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "writes more than") {
		t.Errorf("error %v", err)
	}
	if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 100 {
		t.Errorf("%d MiB were made", made)
	}
}

// TestWhatIsSmallIsMade: the same functions, as templates use them.
func TestWhatIsSmallIsMade(t *testing.T) {
	for text, want := range map[string]string{
		`{{ replace "a" "bc" "banana" }}`:                   "bbcnbcnbc",
		`{{ regexReplaceAll "(a)(n)" "banana" "$2$1" }}`:    "bnanaa",
		`{{ regexFindAll "a." "banana" -1 }}`:               "[an an]",
		`{{ regexSplit "n" "banana" -1 }}`:                  "[ba a a]",
		`{{ join "-" (list 1 2 3) }}`:                       "1-2-3",
		`{{ join "-" "x" }}`:                                "x",
		`{{ wrap 5 "aa bb cc" }}`:                           "aa bb\ncc",
		`{{ wrapWith 5 "+" "aa bb cc" }}`:                   "aa bb+cc",
		`{{ (split "." "a.b")._1 }}`:                        "b",
		`{{ (splitn "." 2 "a.b.c")._1 }}`:                   "b.c",
		`{{ printf "%5d|%-3s|%.2f|%%|%[1]d" 1 "x" 2.0 }}`:   "    1|x  |2.00|%|1",
		`{{ toPrettyJson (dict "a" (list 1)) }}`:            "{\n  \"a\": [\n    1\n  ]\n}",
		`{{ mustRegexReplaceAllLiteral "a" "banana" "$" }}`: "b$n$n$",
	} {
		got, err := execute(context.Background(), file("a.yaml.tmpl", text), input(t), testID, Options{}.defaulted())
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
