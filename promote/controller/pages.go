package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/assaydev/assay/internal/application"
)

// resource is what Applications are called in a URL.
const resource = "applications"

const (
	pageSize  = 200              // Applications; of a page, one at a time is in memory
	pageLimit = time.Minute      // for one page
	getLimit  = 30 * time.Second // for one Application
)

// get reads an Application afresh; found is false where it is not there.
func (a *applications) get(ctx context.Context, name application.Name) (app application.Deployed, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, getLimit)
	defer cancel()
	data, err := a.client.Get().Namespace(name.Namespace).Resource(resource).Name(name.Name).Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return app, false, nil
	}
	if err == nil {
		app, err = application.Decode(data)
	}
	if err != nil {
		return app, false, fmt.Errorf("read %s: %w", name, err)
	}
	return app, true, nil
}

// list reads all pages, as they are now: an API server ignores the size of a page where any version will
// do, as informers ask for.
func (a *applications) list(ctx context.Context, namespace string) (*outlines, error) {
	var all outlines
	for next := ""; ; {
		more, err := a.page(ctx, namespace, next, &all)
		if err != nil {
			return nil, err
		}
		if next = more; next == "" {
			return &all, nil
		}
	}
}

// page adds a page to a list, and returns how to ask for the next one.
func (a *applications) page(ctx context.Context, namespace, from string, all *outlines) (next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	request := a.client.Get().NamespaceIfScoped(namespace, namespace != "").Resource(resource).Param("limit", strconv.Itoa(pageSize))
	if from != "" {
		request = request.Param("continue", from)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return "", err // the reflector knows it by its type
	}
	defer func() { _ = body.Close() }()
	meta, err := a.decodePage(body, all)
	if err != nil {
		return "", fmt.Errorf("read page of Applications: %w", err)
	}
	all.ResourceVersion = meta.ResourceVersion
	return meta.Continue, nil
}

// decodePage decodes a list one item at a time.
func (a *applications) decodePage(body io.Reader, all *outlines) (meta metav1.ListMeta, err error) {
	d := json.NewDecoder(body)
	if err := expect(d, json.Delim('{')); err != nil {
		return meta, err
	}
	for d.More() {
		field, err := d.Token()
		if err != nil {
			return meta, err
		}
		switch field {
		case "metadata":
			err = d.Decode(&meta)
		case "items":
			err = a.decodeItems(d, all)
		default:
			var passed json.RawMessage
			err = d.Decode(&passed)
		}
		if err != nil {
			return meta, err
		}
	}
	return meta, expect(d, json.Delim('}'))
}

func (a *applications) decodeItems(d *json.Decoder, all *outlines) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	var item json.RawMessage // reused
	for d.More() {
		if err := d.Decode(&item); err != nil {
			return err
		}
		o, err := a.outline(item)
		if err != nil {
			return err
		}
		all.Items = append(all.Items, o)
	}
	return expect(d, json.Delim(']'))
}

func expect(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err == nil && got != want {
		err = fmt.Errorf("%v where %v is expected", got, want)
	}
	return err
}

// outline keeps what is needed of an Application.
func (a *applications) outline(data []byte) (*outline, error) {
	app, err := application.Outline(data)
	if err != nil {
		return nil, err
	}
	o := &outline{app: app}
	o.deploys, o.app.Problems = a.deploys(app)
	o.Name, o.Namespace, o.UID, o.ResourceVersion = app.Name.Name, app.Name.Namespace, types.UID(app.UID), app.Version
	o.app.Places = nil
	return o, nil
}

// watch follows changes from the version of a list on.
func (a *applications) watch(ctx context.Context, namespace string, opt metav1.ListOptions) (apiwatch.Interface, error) {
	if opt.SendInitialEvents != nil {
		return nil, errors.New("watch Applications: they are listed in pages first")
	}
	opt.Watch = true
	body, err := a.client.Get().NamespaceIfScoped(namespace, namespace != "").Resource(resource).SpecificallyVersionedParams(&opt, clientscheme.ParameterCodec, schema.GroupVersion{Version: "v1"}).Stream(ctx)
	if err != nil {
		return nil, err // the reflector knows it by its type
	}
	return apiwatch.NewStreamWatcher(&events{applications: a, body: body, decoder: json.NewDecoder(body)},
		apierrors.NewClientErrorReporter(http.StatusInternalServerError, "GET", "ClientWatchDecoding")), nil
}

// events decodes a watch.
type events struct {
	*applications
	body    io.Closer
	decoder *json.Decoder
	event   struct {
		Type   apiwatch.EventType `json:"type"`
		Object json.RawMessage    `json:"object"`
	}
}

// Decode waits for the next event.
func (e *events) Decode() (apiwatch.EventType, runtime.Object, error) {
	if err := e.decoder.Decode(&e.event); err != nil {
		return "", nil, err
	}
	if e.event.Type == apiwatch.Error {
		var status metav1.Status
		err := json.Unmarshal(e.event.Object, &status)
		return apiwatch.Error, &status, err
	}
	o, err := e.outline(e.event.Object)
	return e.event.Type, o, err
}

// Close ends the watch.
func (e *events) Close() { _ = e.body.Close() }
