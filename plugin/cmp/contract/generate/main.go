// Command generate makes the Go code of contract.proto, in the directory that it is run in.
//
//  1. It compiles the file with protocompile, so that no protoc has to be installed.
//  2. It hands the result to the generators that go.mod names as tools, as protoc does.
//  3. It writes what they answer.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const source = "contract.proto"

// registered is the file's name in Go's registry of descriptors, where a short one could
// be another module's.
const registered = "assaydev/assay/plugin/cmp/contract.proto"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, source)
	if err != nil {
		return fmt.Errorf("compile %s: %w", source, err)
	}
	own := protoutil.ProtoFromFileDescriptor(compiled[0])
	own.Name = proto.String(registered)
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{registered},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      append(imports(compiled[0].Imports()), own),
	}
	for _, tool := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := generate(ctx, tool, request); err != nil {
			return fmt.Errorf("run %s: %w", tool, err)
		}
	}
	return nil
}

// imports are the files that a file names. None of them names another.
func imports(list protoreflect.FileImports) []*descriptorpb.FileDescriptorProto {
	var out []*descriptorpb.FileDescriptorProto
	for i := range list.Len() {
		out = append(out, protoutil.ProtoFromFileDescriptor(list.Get(i).FileDescriptor))
	}
	return out
}

// generate runs one generator and writes its files.
func generate(ctx context.Context, tool string, request *pluginpb.CodeGeneratorRequest) error {
	in, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", tool) //nolint:gosec // a tool of go.mod
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var answer pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return errors.New(answer.GetError())
	}
	for _, file := range answer.GetFile() {
		name := "contract" + file.GetName()[len("assaydev/assay/plugin/cmp/contract"):]
		if err := os.WriteFile(name, []byte(file.GetContent()), 0o644); err != nil { //nolint:gosec // source code
			return err
		}
	}
	return nil
}
