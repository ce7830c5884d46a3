package contract_test

import (
	"math/rand/v2"
	"testing"

	"github.com/argoproj/argo-cd/v2/cmpserver/apiclient"
	repository "github.com/argoproj/argo-cd/v2/reposerver/apiclient"
	gogo "github.com/gogo/protobuf/proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/plugin/cmp/contract"
)

// pair is a message in our types and in argo-cd's.
type pair struct {
	name string
	ours proto.Message
	argo gogo.Message
}

func text(r *rand.Rand) string {
	letters := []rune("aZ09-_./\n\"\\ é\u2028日")
	out := make([]rune, r.IntN(20))
	for i := range out {
		out[i] = letters[r.IntN(len(letters))]
	}
	return string(out)
}

func texts(r *rand.Rand) []string {
	var out []string
	for range r.IntN(4) {
		out = append(out, text(r))
	}
	return out
}

// pairs are messages of every kind with the same random content.
func pairs(r *rand.Rand) []pair {
	app, rel, sum, size := text(r), text(r), text(r), r.Int64()
	ours := &contract.ManifestRequestMetadata{AppName: app, AppRelPath: rel, Checksum: sum, Size: size}
	argo := &apiclient.ManifestRequestMetadata{AppName: app, AppRelPath: rel, Checksum: sum, Size_: size}
	for range r.IntN(4) {
		name, value := text(r), text(r)
		ours.Env = append(ours.Env, &contract.EnvEntry{Name: name, Value: value})
		argo.Env = append(argo.Env, &apiclient.EnvEntry{Name: name, Value: value})
	}
	chunk := []byte(text(r))
	manifests, kind := texts(r), text(r)
	supported, enabled := r.IntN(2) == 0, r.IntN(2) == 0
	announced, announcedArgo := &contract.ParametersAnnouncementResponse{}, &apiclient.ParametersAnnouncementResponse{}
	for range r.IntN(4) {
		a := &contract.ParameterAnnouncement{
			Name: text(r), Title: text(r), Tooltip: text(r), Required: r.IntN(2) == 0, ItemType: text(r), CollectionType: text(r), String_: text(r), Array: texts(r),
		}
		if r.IntN(2) == 0 {
			a.Map = map[string]string{text(r): text(r)} // one: Go's maps have no order
		}
		announced.ParameterAnnouncements = append(announced.ParameterAnnouncements, a)
		announcedArgo.ParameterAnnouncements = append(announcedArgo.ParameterAnnouncements, &repository.ParameterAnnouncement{
			Name: a.Name, Title: a.Title, Tooltip: a.Tooltip, Required: a.Required, ItemType: a.ItemType, CollectionType: a.CollectionType, String_: a.String_, Array: a.Array, Map: a.Map,
		})
	}
	return []pair{
		{"metadata", &contract.AppStreamRequest{Request: &contract.AppStreamRequest_Metadata{Metadata: ours}}, &apiclient.AppStreamRequest{Request: &apiclient.AppStreamRequest_Metadata{Metadata: argo}}},
		{
			"file", &contract.AppStreamRequest{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: chunk}}},
			&apiclient.AppStreamRequest{Request: &apiclient.AppStreamRequest_File{File: &apiclient.File{Chunk: chunk}}},
		},
		{"manifests", &contract.ManifestResponse{Manifests: manifests, SourceType: kind}, &apiclient.ManifestResponse{Manifests: manifests, SourceType: kind}},
		{"match", &contract.RepositoryResponse{IsSupported: supported, IsDiscoveryEnabled: enabled}, &apiclient.RepositoryResponse{IsSupported: supported, IsDiscoveryEnabled: enabled}},
		{
			"configuration", &contract.CheckPluginConfigurationResponse{IsDiscoveryConfigured: supported, ProvideGitCreds: enabled},
			&apiclient.CheckPluginConfigurationResponse{IsDiscoveryConfigured: supported, ProvideGitCreds: enabled},
		},
		{"parameters", announced, announcedArgo},
	}
}

// TestWireEqual: the bytes of a message are the same, and each side reads the other's, with
// nothing left over.
func TestWireEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same messages each time
	for range 500 {
		for _, p := range pairs(r) {
			ours, err := proto.MarshalOptions{Deterministic: true}.Marshal(p.ours)
			if err != nil {
				t.Fatal(err)
			}
			argo, err := gogo.Marshal(p.argo)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(argo, ours); diff != "" {
				t.Fatalf("%s: argo-cd's bytes (-) and ours (+):\n%s", p.name, diff)
			}
			read := p.ours.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(argo, read); err != nil {
				t.Fatal(err)
			}
			if len(read.ProtoReflect().GetUnknown()) > 0 {
				t.Errorf("%s: we do not know all of it", p.name)
			}
			if diff := cmp.Diff(p.ours, read, protocmp.Transform()); diff != "" {
				t.Errorf("%s: read from argo-cd's bytes:\n%s", p.name, diff)
			}
			back := gogo.Clone(p.argo)
			back.Reset()
			if err := gogo.Unmarshal(ours, back); err != nil {
				t.Fatal(err)
			}
			again, err := gogo.Marshal(back)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(argo, again); diff != "" {
				t.Errorf("%s: argo-cd reads ours as something else:\n%s", p.name, diff)
			}
		}
	}
	empty, err := proto.Marshal(&emptypb.Empty{})
	if err != nil || len(empty) != 0 {
		t.Errorf("Empty is %x, %v", empty, err)
	}
}
