package window

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func set(t *testing.T, list ...Window) *Set {
	t.Helper()
	var s Set
	for _, w := range list {
		if err := s.Add(w); err != nil {
			t.Fatalf("%s: %v", w, err)
		}
	}
	return &s
}

func TestAt(t *testing.T) {
	office := Window{Allow, "0 9 * * 1-5", "8h", "Europe/Berlin"} // 08:00Z to 16:00Z in winter
	night := Window{Allow, "0 22 * * *", "4h", ""}
	freeze := Window{Deny, "0 0 20 12 *", "336h", ""} // to 3 January
	for name, test := range map[string]struct {
		list []Window
		now  string
		says string // "open", or what State.String says
	}{
		"no windows":               {nil, "2026-11-30T03:00:00Z", "open"},
		"inside":                   {[]Window{office}, "2026-11-30T10:00:00Z", "open"},
		"as it opens":              {[]Window{office}, "2026-11-30T08:00:00Z", "open"},
		"just before it opens":     {[]Window{office}, "2026-11-30T07:59:59Z", `closed outside of allow "0 9 * * 1-5" for 8h in Europe/Berlin, and opens at 2026-11-30T08:00:00Z`},
		"as it ends":               {[]Window{office}, "2026-11-30T16:00:00Z", "opens at 2026-12-01T08:00:00Z"},
		"over a weekend":           {[]Window{office}, "2026-11-28T12:00:00Z", "opens at 2026-11-30T08:00:00Z"},
		"in summer":                {[]Window{office}, "2026-07-06T07:00:00Z", "open"},
		"the hour is set":          {[]Window{office}, "2026-03-28T12:00:00Z", "opens at 2026-03-30T07:00:00Z"},
		"over midnight":            {[]Window{night}, "2026-11-30T01:59:59Z", "open"},
		"one of two":               {[]Window{office, night}, "2026-11-30T18:00:00Z", `closed outside of allow "0 9 * * 1-5" for 8h in Europe/Berlin or allow "0 22 * * *" for 4h, and opens at 2026-11-30T22:00:00Z`},
		"a freeze":                 {[]Window{freeze}, "2026-12-24T12:00:00Z", `closed by deny "0 0 20 12 *" for 336h, and opens at 2027-01-03T00:00:00Z`},
		"a freeze denies":          {[]Window{office, freeze}, "2026-12-24T10:00:00Z", `closed by deny "0 0 20 12 *" for 336h, and opens at 2027-01-04T08:00:00Z`},
		"no freeze":                {[]Window{freeze}, "2026-11-30T12:00:00Z", "open"},
		"always denied":            {[]Window{{Deny, "* * * * *", "24h", ""}}, "2026-11-30T12:00:00Z", `closed by deny "* * * * *" for 24h, and does not open within five years`},
		"denied by turns":          {[]Window{{Deny, "0 */2 * * *", "2h", ""}}, "2026-11-30T12:00:00Z", "does not open within five years"},
		"no such day":              {[]Window{{Allow, "0 0 31 2 *", "24h", ""}}, "2026-11-30T12:00:00Z", "does not open within five years"},
		"a day that never comes":   {[]Window{{Deny, "0 0 31 2 *", "24h", ""}}, "2026-11-30T12:00:00Z", "open"},
		"a leap day":               {[]Window{{Allow, "0 0 29 2 *", "24h", ""}}, "2026-11-30T12:00:00Z", "opens at 2028-02-29T00:00:00Z"},
		"denied within allowed":    {[]Window{office, {Deny, "0 9 * * *", "1h", "Europe/Berlin"}}, "2026-11-30T08:30:00Z", "opens at 2026-11-30T09:00:00Z"},
		"a minute of each hour":    {[]Window{{Deny, "1 * * * *", "59m", ""}}, "2026-11-30T12:30:00Z", "opens at 2026-11-30T13:00:00Z"},
		"an hour that is left out": {[]Window{{Allow, "30 2 * * *", "1h", "Europe/Berlin"}}, "2026-03-29T01:10:00Z", "open"},
		"too much to look through": {[]Window{{Deny, "* * * * *", "1m", ""}}, "2026-11-30T12:00:00Z", "when it opens was not found"},
		"another kind and zone":    {[]Window{{Allow, "0 9 * * 1", "1h", "Etc/GMT+12"}}, "2026-11-30T12:00:00Z", "opens at 2026-11-30T21:00:00Z"},
	} {
		if got := set(t, test.list...).At(at(t, test.now)).String(); !strings.HasSuffix(got, test.says) || test.says == "open" && got != "open" {
			t.Errorf("%s: %s, want %s", name, got, test.says)
		}
	}
}

// TestOpensIsTheFirst: what At says of the next opening holds, minute by minute.
func TestOpensIsTheFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test must be repeatable
	zones := []string{"", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"}
	for range 60 {
		var list []Window
		for range 1 + random.IntN(3) {
			list = append(list, Window{
				[]string{Allow, Deny}[random.IntN(2)], fmt.Sprintf("%d %d,%d * * *", random.IntN(60), random.IntN(24), random.IntN(24)),
				fmt.Sprintf("%dm", 1+random.IntN(1500)), zones[random.IntN(len(zones))],
			})
		}
		s := set(t, list...)
		now := time.Date(2026, time.Month(1+random.IntN(12)), 1+random.IntN(30), random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		state := s.At(now)
		if state.Open {
			continue
		}
		most := 2 * 24 * 60
		for i := range most {
			when := now.Add(time.Duration(i) * time.Minute)
			if _, closed := s.closing(when); closed {
				continue
			}
			if !when.Equal(state.Opens) {
				t.Errorf("%v at %s: it opens at %s, and At says %s", list, now, when, state)
			}
			break
		}
	}
}

func TestAddRefuses(t *testing.T) {
	good := Window{Allow, "0 9 * * *", "8h", ""}
	for name, test := range map[string]struct {
		change func(*Window)
		field  string
		why    string
	}{
		"another kind":         {func(w *Window) { w.Kind = "alow" }, "kind", "must be allow or deny, and is alow"},
		"no kind":              {func(w *Window) { w.Kind = "" }, "kind", "must be allow or deny"},
		"no schedule":          {func(w *Window) { w.Schedule = "" }, "schedule", "is not in cron's format"},
		"six fields":           {func(w *Window) { w.Schedule = "0 0 9 * * *" }, "schedule", "is not in cron's format"},
		"a descriptor":         {func(w *Window) { w.Schedule = "@daily" }, "schedule", "is not in cron's format"},
		"a minute too late":    {func(w *Window) { w.Schedule = "60 9 * * *" }, "schedule", "is not in cron's format"},
		"a zone in it":         {func(w *Window) { w.Schedule = "TZ=Europe/Berlin 0 9 * * *" }, "schedule", "put it in timeZone"},
		"a zone and no fields": {func(w *Window) { w.Schedule = "CRON_TZ=UTC" }, "schedule", "put it in timeZone"},
		"a long one":           {func(w *Window) { w.Schedule = strings.Repeat("0,", 150) + "0 9 * * *" }, "schedule", "is longer than 200 bytes"},
		"no duration":          {func(w *Window) { w.Duration = "" }, "duration", "must be a duration"},
		"a day":                {func(w *Window) { w.Duration = "1d" }, "duration", "must be a duration, as in 30m or 8h, and is 1d"},
		"no such zone":         {func(w *Window) { w.TimeZone = "Europe/Berln" }, "timeZone", "Europe/Berln is not a time zone"},
		"this machine's zone":  {func(w *Window) { w.TimeZone = "Local" }, "timeZone", "Local is not a time zone"},
		"a file":               {func(w *Window) { w.TimeZone = "../../etc/passwd" }, "timeZone", "is not a time zone"},
	} {
		w := good
		test.change(&w)
		var s Set
		var bad *FieldError
		if err := s.Add(w); !errors.As(err, &bad) || bad.Field != test.field || !strings.Contains(bad.Why, test.why) || len(s.list) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWorkIsBounded: no windows make one look expensive.
func TestWorkIsBounded(t *testing.T) {
	var list []Window
	for i := range 50 {
		list = append(list, Window{Deny, fmt.Sprintf("%d-59/1 * * * *", i%2), "1m", "Europe/Berlin"}, Window{Allow, "0 0 29 2 1", "1m", ""})
	}
	s := set(t, list...)
	began := time.Now()
	state := s.At(at(t, "2026-11-30T12:00:00Z"))
	if took := time.Since(began); state.Open || took > 5*time.Second {
		t.Errorf("%s after %s", state, took)
	}
}

func FuzzAdd(f *testing.F) {
	f.Add("allow", "0 9 * * 1-5", "8h", "Europe/Berlin")
	f.Add("deny", "TZ=UTC", "1h", "Local")
	f.Add("deny", "*/7 1-3,5 L * sun", "-1h", "\x00")
	f.Fuzz(func(t *testing.T, kind, schedule, duration, zone string) {
		var s Set
		if s.Add(Window{kind, schedule, duration, zone}) != nil {
			return
		}
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		state := s.At(now)
		if state.Open != (len(state.By) == 0) || !state.Opens.IsZero() && !state.Opens.After(now) {
			t.Errorf("%+v", state)
		}
		if !state.Opens.IsZero() && !s.At(state.Opens).Open {
			t.Errorf("%s is not open when it says that it opens", state)
		}
	})
}
