package pipeline

import (
	"context"
	"sync"
)

// workers bounds how many answers are in work at once. The lowest free worker is taken first, so that a quiet stream
// uses one lane and makes one file a batch.
type workers struct {
	tokens chan struct{}
	mu     sync.Mutex
	free   []*worker // by lane, nil while taken
}

type worker struct {
	lane      int
	transform Transformer
}

func newWorkers(n int, newTransformer func() Transformer) *workers {
	w := &workers{tokens: make(chan struct{}, n), free: make([]*worker, n)}
	for i := range n {
		w.free[i] = &worker{lane: i, transform: newTransformer()}
		w.tokens <- struct{}{}
	}
	return w
}

func (w *workers) take(ctx context.Context) (*worker, error) {
	select {
	case <-w.tokens:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, free := range w.free {
		if free != nil {
			w.free[i] = nil
			return free, nil
		}
	}
	panic("pipeline: a token without a worker")
}

func (w *workers) put(k *worker) {
	w.mu.Lock()
	w.free[k.lane] = k
	w.mu.Unlock()
	w.tokens <- struct{}{}
}
