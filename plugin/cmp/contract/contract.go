// Package contract is Argo CD's gRPC service for config management plugins, made from
// contract.proto. It is our own copy: what ships links no argo-cd.
package contract

//go:generate go run ./generate
