package kinesis

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// serve sends a subscription's frames over a socket. It blocks while the client does not read.
func (u *subscription) serve(ctx context.Context, w http.ResponseWriter) {
	defer u.leave()
	flush := http.NewResponseController(w)
	for {
		buf := bodies.Get().(*[]byte)
		frame, err := u.next(ctx, (*buf)[:0])
		if len(frame) > 0 {
			_, werr := w.Write(frame)
			if ferr := flush.Flush(); werr != nil || ferr != nil {
				return // the client went away
			}
		}
		*buf = frame
		bodies.Put(buf)
		switch {
		case errors.Is(err, errCut):
			panic(http.ErrAbortHandler)
		case err != nil:
			return
		}
	}
}

// response is a subscription's answer in process: each read that finds no frame makes the next one.
func (u *subscription) response(r *http.Request, header http.Header) *http.Response {
	ctx, cancel := context.WithCancel(r.Context())
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: header, ContentLength: -1, Request: r, Body: &eventBody{events: u, ctx: ctx, cancel: cancel},
	}
}

// eventBody is read by one goroutine; Close may be called from any.
type eventBody struct {
	events *subscription
	ctx    context.Context
	cancel context.CancelFunc
	buf    []byte
	unread []byte
	err    error
}

func (b *eventBody) Read(p []byte) (int, error) {
	for len(b.unread) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.buf, b.err = b.events.next(b.ctx, b.buf[:0])
		b.unread = b.buf
	}
	n := copy(p, b.unread)
	b.unread = b.unread[n:]
	return n, nil
}

func (b *eventBody) Close() error {
	b.cancel()
	b.events.leave()
	return nil
}

var _ io.ReadCloser = (*eventBody)(nil)
