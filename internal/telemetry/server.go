package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server serves probes over HTTP, without authentication.
type Server struct {
	server *http.Server
	addr   net.Addr
	done   chan struct{}
}

// Listen binds address (host:port; port 0 for any free one) and serves handler on a goroutine of its own until
// [Server.Close]. Each request may take 10 s.
func Listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve telemetry: %w", err)
	}
	s := &Server{
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      10 * time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		addr: listener.Addr(),
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("telemetry server ended", "error", err)
		}
	}()
	return s, nil
}

// Addr is the address that is bound.
func (s *Server) Addr() net.Addr { return s.addr }

// Close stops the server at once; answers that are under way are cut off. It waits for the server's goroutine.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}
