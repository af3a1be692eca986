package sink

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/sink/snowflake"
)

// stage is the internal stage as one worker uses it: <table>/<worker>/<batch>-<attempt>/<lane>.json.zst. Each attempt
// has a folder of its own, so no name is ever used twice.
type stage struct {
	client  *snowflake.Client
	name    snowflake.Name
	folder  string
	worker  string
	log     *slog.Logger
	created bool
	swept   time.Time
}

// staleAfter is the age from which on a staged file belongs to nobody: no batch takes that long.
const staleAfter = 24 * time.Hour

// sweepEvery is how often the worker looks for stale files.
const sweepEvery = 6 * time.Hour

// Stale reports whether a staged file that was last modified then belongs to nobody any more, by the clock of a worker
// that may be wrong by hours.
func Stale(now, modified time.Time, broken mutant.Set) bool {
	return now.Sub(modified) >= staleAfter || broken.Has(mutant.SweepFresh)
}

// path is the folder of one attempt, ending in a slash.
func (s *stage) path(batch string, attempt int) string {
	return fmt.Sprintf("%s/%s/%s-%d/", s.folder, s.worker, batch, attempt)
}

// at is a path of the stage as COPY reads it.
func (s *stage) at(path string) string { return "@" + s.name.String() + "/" + path }

// put uploads local files into a folder and returns their names in it. A stage that was dropped meanwhile is made again.
func (s *stage) put(ctx context.Context, folder string, local []string) ([]string, error) {
	made := s.created
	names, err := s.upload(ctx, folder, local)
	if made && snowflake.ClassOf(err) == snowflake.Drift {
		return s.upload(ctx, folder, local)
	}
	return names, err
}

func (s *stage) upload(ctx context.Context, folder string, local []string) ([]string, error) {
	if !s.created {
		if _, err := s.client.Exec(ctx, snowflake.CreateStage{Stage: s.name}); err != nil && snowflake.ClassOf(err) != snowflake.Retry {
			return nil, fmt.Errorf("create stage %s: %w", s.name, err)
		}
		s.created = true
	}
	names := make([]string, len(local))
	for i, file := range local {
		res, err := s.client.Query(ctx, snowflake.PutFile{Local: file, Stage: s.name, Path: folder})
		if err != nil {
			s.created = false // it may have been dropped: make it again before the next attempt
			return nil, fmt.Errorf("upload to %s: %w", s.at(folder), err)
		}
		for row := range res.Rows {
			if status := res.Get(row, "status"); status != "UPLOADED" {
				return nil, &snowflake.Error{Class: snowflake.Retry, Statement: "PUT", Err: fmt.Errorf("upload to %s: status %q: %s", s.at(folder), status, res.Get(row, "message"))}
			}
		}
		names[i] = path.Base(file)
	}
	return names, nil
}

// remove removes an attempt's folder, as well as it goes: what stays is swept a day later.
func (s *stage) remove(ctx context.Context, folder string) {
	if _, err := s.client.Query(ctx, snowflake.RemoveFile{Stage: s.name, Path: folder}); err != nil {
		s.log.DebugContext(ctx, "loaded files stay in the stage until they are swept", "path", s.at(folder), "error", err)
	}
}

// sweep removes files of this table that no batch can need any more, left by workers that died between PUT and
// COMMIT. It needs no warehouse.
func (s *stage) sweep(ctx context.Context, now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	res, err := s.client.Query(ctx, snowflake.ListFiles{Stage: s.name, Path: s.folder + "/"})
	if err != nil {
		s.log.DebugContext(ctx, "cannot list the stage", "error", err)
		return
	}
	stale := 0
	for i := range res.Rows {
		modified, err := time.Parse(time.RFC1123, res.Get(i, "last_modified"))
		if err != nil || !Stale(now, modified, 0) {
			continue
		}
		// LIST names files from the stage's own name on.
		_, below, ok := strings.Cut(res.Get(i, "name"), "/")
		if !ok || !strings.HasPrefix(below, s.folder+"/") {
			continue
		}
		s.remove(ctx, below)
		stale++
	}
	if stale > 0 {
		s.log.InfoContext(ctx, "removed stale files from the stage", "files", stale, "stage", s.name.String())
	}
}
