/* Threads that live as long as one call: no pool, so nothing to reset in a forked child, nothing
 * that spins while Python works, and nothing left behind. Starting one takes about 20 µs, so calls
 * with less than a few tenths of a millisecond of work use none. */
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64 };

typedef struct {
    int n;                     /* threads at work, the caller's included */
    atomic_llong taken, ended; /* tasks, of all rounds */
} Team;

typedef struct {
    Team team;
    void (*work)(void *shared, Team *team, int index);
    void *shared;
    atomic_int go;
} Job;

typedef struct {
    Job *job;
    int index;
} Seat;

/* Rounds of tasks: `first` of them can run at once, and `then` others when those have ended. Returns
 * the next task's number among those of all rounds, or -1 when none is left. A thread takes a task
 * when it can run and not before, so that one which the system has put aside holds nothing up. */
static inline long long take(Team *team, long long first, long long then, long long rounds) {
    for (int tries = 0;; tries++) {
        long long task = atomic_load(&team->taken);
        if (task >= rounds * (first + then)) return -1;
        const long long place = task % (first + then);
        const long long ended = atomic_load_explicit(&team->ended, memory_order_acquire);
        if (ended < task - (place < first ? place : place - first)) {
            if (tries > 100) sched_yield(); /* short waits spin, long ones give the core away */
        } else if (atomic_compare_exchange_weak(&team->taken, &task, task + 1)) {
            return task;
        }
    }
}

static inline void end_task(Team *team) {
    atomic_fetch_add_explicit(&team->ended, 1, memory_order_release);
}

static void *sit(void *seat) {
    Job *job = ((Seat *)seat)->job;
    while (!atomic_load_explicit(&job->go, memory_order_acquire)) sched_yield();
    if (((Seat *)seat)->index < job->team.n) job->work(job->shared, &job->team, ((Seat *)seat)->index);
    return NULL;
}

/* Run work(shared, team, index) for index 0 to n - 1, index 0 here. With fewer threads than asked
 * for, if the system has no more, the team is smaller. */
static inline void run_on_threads(int n, void (*work)(void *, Team *, int), void *shared) {
    Job job = {.work = work, .shared = shared};
    pthread_t threads[MOST_THREADS];
    Seat seats[MOST_THREADS];
    int started = 1;
    if (n > 1) {
        sigset_t all, before; /* signals are Python's, so they go to its own thread */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (; started < n && started < MOST_THREADS; started++) {
            seats[started] = (Seat){&job, started};
            if (pthread_create(&threads[started], NULL, sit, &seats[started])) break;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    job.team.n = started;
    atomic_store_explicit(&job.go, 1, memory_order_release);
    work(shared, &job.team, 0);
    for (int t = 1; t < started; t++) pthread_join(threads[t], NULL);
}
