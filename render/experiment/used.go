package experiment

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/engine"
)

// reads are the kinds that say what an object which judges measures, and by what: an
// edit of one makes another judge. Secrets are not among them: charts draw them at random.
func reads() []string {
	return []string{"ConfigMap", "AnalysisTemplate.argoproj.io", "ClusterAnalysisTemplate.argoproj.io", "Metric.iter8.tools", "MetricTemplate.flagger.app"}
}

// used are the objects of the environment that the experiment's resources read, and
// those that these read in turn; likewise for targets that judge themselves. What the
// experiment brings along is part of the resources.
func (in Tested) used() []*unstructured.Unstructured {
	brought := map[identity]bool{}
	queue := slices.Clone(in.Resources)
	for _, o := range in.Resources {
		brought[identity{o.GroupVersionKind().GroupKind(), o.GetName()}] = true
	}
	engines := engine.With(in.Plan.Spec.Experiment.Engines)
	for _, o := range in.Candidate {
		if engines.Judges(o) {
			queue = append(queue, o)
		}
	}
	var out []*unstructured.Unstructured
	for ; len(queue) > 0; queue = queue[1:] {
		for _, ref := range referrals(queue[0]) {
			if !slices.ContainsFunc(reads(), func(kind string) bool { return schema.ParseGroupKind(kind) == ref.GroupKind }) {
				continue
			}
			for _, name := range namesAt(queue[0].Object, strings.Split(ref.path, "/")) {
				name = name[strings.LastIndex(name, "/")+1:] // Iter8 names metrics with their namespace
				is := identity{ref.GroupKind, name}
				if brought[is] {
					continue
				}
				brought[is] = true
				for _, o := range in.Beside {
					if o.GroupVersionKind().GroupKind() == is.GroupKind && o.GetName() == name {
						out, queue = append(out, o), append(queue, o)
					}
				}
			}
		}
	}
	return out
}

// namesAt are the texts at the path, in every item of the lists on its way.
func namesAt(v any, path []string) (names []string) {
	switch v := v.(type) {
	case string:
		if len(path) == 0 {
			return []string{v}
		}
	case []any:
		for _, item := range v {
			names = append(names, namesAt(item, path)...)
		}
	case map[string]any:
		if len(path) > 0 {
			return namesAt(v[path[0]], path[1:])
		}
	}
	return names
}
