package verdict

import "time"

// concluded is the latest time that the judges' own statuses name, none after now: when
// the last of them came to its end, since all engines date what they write. It is zero
// where no status has a time. It is for figures, and decides nothing.
func concluded(judges []judge, now time.Time) time.Time {
	var last time.Time
	for _, j := range judges {
		if j.object != nil {
			last = latest(j.object.Object["status"], now, last)
		}
	}
	return last
}

// latest is the latest of a time and those in a value, as RFC 3339 has them.
func latest(value any, now, last time.Time) time.Time {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			last = latest(v, now, last)
		}
	case []any:
		for _, v := range value {
			last = latest(v, now, last)
		}
	case string:
		const date = len("2006-01-02")
		if len(value) <= date || value[date] != 'T' {
			return last // most texts, without a try
		}
		if at, err := time.Parse(time.RFC3339, value); err == nil && at.After(last) && !at.After(now) {
			return at
		}
	}
	return last
}
