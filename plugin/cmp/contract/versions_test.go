package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/test/argocdcode"
)

// field is what goes over the wire of one.
type field struct {
	number int32
	label  string
	kind   string // a type, or the name of a message
	oneOf  string
}

type method struct {
	in, out string
	streams bool // the caller sends several messages
}

// wire is what a service and its messages are on the wire.
type wire struct {
	fields  map[string]field // by message and name
	methods map[string]method
}

// TestContractOfEachVersion compares with the .proto files of each version of Argo CD that there is.
func TestContractOfEachVersion(t *testing.T) {
	ours := wireOf(protodesc.ToFileDescriptorProto(contract.File_assaydev_assay_plugin_cmp_contract_proto))
	if len(ours.methods) != 4 || len(ours.fields) < 20 {
		t.Fatalf("ours has %d methods and %d fields", len(ours.methods), len(ours.fields))
	}
	for version, dir := range argocdcode.Dirs(t) {
		theirs := wireOf(parse(t, filepath.Join(dir, "cmpserver/plugin/plugin.proto")))
		for name, f := range wireOf(parse(t, filepath.Join(dir, "reposerver/repository/repository.proto"))).fields {
			if strings.HasPrefix(name, "ParameterAnnouncement.") || strings.HasPrefix(name, "ParameterAnnouncement/") {
				theirs.fields[name] = f
			}
		}
		if diff := cmp.Diff(theirs, ours, cmp.AllowUnexported(wire{}, field{}, method{})); diff != "" {
			t.Errorf("Argo CD %s differs (-argo-cd +assay):\n%s", version, diff)
		}
	}
}

// parse reads a file without what it imports.
func parse(t *testing.T, name string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	handler := reporter.NewHandler(nil)
	node, err := parser.Parse(filepath.Base(name), file, handler)
	if err != nil {
		t.Fatal(err)
	}
	result, err := parser.ResultFromAST(node, true, handler)
	if err != nil {
		t.Fatal(err)
	}
	return result.FileDescriptorProto()
}

func wireOf(file *descriptorpb.FileDescriptorProto) wire {
	w := wire{map[string]field{}, map[string]method{}}
	for _, m := range file.GetMessageType() {
		w.add(m.GetName(), m)
	}
	for _, s := range file.GetService() {
		for _, m := range s.GetMethod() {
			name := file.GetPackage() + "." + s.GetName() + "/" + m.GetName()
			w.methods[name] = method{last(m.GetInputType()), last(m.GetOutputType()), m.GetClientStreaming()}
		}
	}
	return w
}

func (w wire) add(name string, m *descriptorpb.DescriptorProto) {
	for _, f := range m.GetField() {
		of := field{number: f.GetNumber(), label: f.GetLabel().String(), kind: last(f.GetTypeName())}
		if of.kind == "" {
			of.kind = f.GetType().String()
		}
		if f.OneofIndex != nil {
			of.oneOf = m.GetOneofDecl()[f.GetOneofIndex()].GetName()
		}
		w.fields[name+"."+f.GetName()] = of
	}
	for _, inner := range m.GetNestedType() {
		w.add(name+"/"+inner.GetName(), inner)
	}
}

// last is a name without its package: the wire does not show it.
func last(name string) string { return name[strings.LastIndex(name, ".")+1:] }
