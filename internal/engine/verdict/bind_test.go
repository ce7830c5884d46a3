package verdict_test

import (
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
)

// testDigest is the digest under test, and testID its ID.
var testDigest = digestOf(testID)

// digestOf is a digest with the ID.
func digestOf(id string) digest.Digest {
	return digest.Digest("v2:" + id[1:] + strings.Repeat("0", 55))
}

var isID = regexp.MustCompile(`^e[0-9a-f]{9}$`)

// bind gives objects that have an ID's label the digest that they have in a
// cluster, unless they say otherwise.
func bind(objs []*unstructured.Unstructured) []*unstructured.Unstructured {
	for _, o := range objs {
		id := o.GetLabels()[engine.ExperimentLabel]
		if _, there := o.GetAnnotations()[digest.Annotation]; there || !isID.MatchString(id) {
			continue
		}
		annotations := o.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[digest.Annotation] = string(digestOf(id))
		o.SetAnnotations(annotations)
	}
	return objs
}

func timestamp(text string) metav1.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return metav1.NewTime(at)
}
