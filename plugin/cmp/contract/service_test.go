package contract_test

import (
	"context"
	"net"
	"testing"

	"github.com/argoproj/argo-cd/v2/cmpserver/apiclient"
	"github.com/golang/protobuf/ptypes/empty"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assaydev/assay/plugin/cmp/contract"
)

// echo answers with what it got, so that each method can be told from the others.
type echo struct {
	contract.UnimplementedConfigManagementPluginServiceServer
}

func (echo) CheckPluginConfiguration(context.Context, *emptypb.Empty) (*contract.CheckPluginConfigurationResponse, error) {
	return &contract.CheckPluginConfigurationResponse{IsDiscoveryConfigured: true}, nil
}

func (echo) GenerateManifest(s grpc.ClientStreamingServer[contract.AppStreamRequest, contract.ManifestResponse]) error {
	m, err := s.Recv()
	if err != nil {
		return err
	}
	return s.SendAndClose(&contract.ManifestResponse{Manifests: []string{m.GetMetadata().GetAppName()}})
}

func (echo) MatchRepository(s grpc.ClientStreamingServer[contract.AppStreamRequest, contract.RepositoryResponse]) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	return s.SendAndClose(&contract.RepositoryResponse{IsSupported: true})
}

func (echo) GetParametersAnnouncement(s grpc.ClientStreamingServer[contract.AppStreamRequest, contract.ParametersAnnouncementResponse]) error {
	m, err := s.Recv()
	if err != nil {
		return err
	}
	return s.SendAndClose(&contract.ParametersAnnouncementResponse{ParameterAnnouncements: []*contract.ParameterAnnouncement{{Name: m.GetMetadata().GetAppRelPath()}}})
}

// TestArgoCDCalls: argo-cd's own client reaches each of the methods by its name.
func TestArgoCDCalls(t *testing.T) {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	contract.RegisterConfigManagementPluginServiceServer(server, echo{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := apiclient.NewConfigManagementPluginServiceClient(conn)
	first := &apiclient.AppStreamRequest{Request: &apiclient.AppStreamRequest_Metadata{Metadata: &apiclient.ManifestRequestMetadata{AppName: "shop", AppRelPath: "prod/shop"}}}

	config, err := client.CheckPluginConfiguration(t.Context(), &empty.Empty{})
	if err != nil || !config.IsDiscoveryConfigured {
		t.Errorf("configuration: %v, %v", config, err)
	}
	generate, err := client.GenerateManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := generate.Send(first); err != nil {
		t.Fatal(err)
	}
	if got, err := generate.CloseAndRecv(); err != nil || len(got.Manifests) != 1 || got.Manifests[0] != "shop" {
		t.Errorf("generate: %v, %v", got, err)
	}
	match, err := client.MatchRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := match.Send(first); err != nil {
		t.Fatal(err)
	}
	if got, err := match.CloseAndRecv(); err != nil || !got.IsSupported {
		t.Errorf("match: %v, %v", got, err)
	}
	parameters, err := client.GetParametersAnnouncement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := parameters.Send(first); err != nil {
		t.Fatal(err)
	}
	if got, err := parameters.CloseAndRecv(); err != nil || len(got.ParameterAnnouncements) != 1 || got.ParameterAnnouncements[0].Name != "prod/shop" {
		t.Errorf("parameters: %v, %v", got, err)
	}
}
