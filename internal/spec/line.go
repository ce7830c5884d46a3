package spec

import "reflect"

// PlanLine is the line of a plan's field, as spec.experiment.engines[0].kind,
// or of the nearest parent that the file has; 0 where there is none. It is for
// messages about a plan that DecodePlan has passed.
func PlanLine(file string, data []byte, field string) int {
	docs, err := parse(file, data)
	if err != nil || len(docs) == 0 {
		return 0
	}
	w := &walker{problems: docs[0].problems, lines: map[string]int{}}
	w.value(docs[0].root, reflect.ValueOf(&Plan{}).Elem(), "")
	return w.lineOf(field)
}
