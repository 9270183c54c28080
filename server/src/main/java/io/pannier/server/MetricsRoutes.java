package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.server.http.Response;
import io.pannier.server.http.RouteMeter;
import io.pannier.server.metrics.Scrape;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Metrics as text. They are made on a thread of their own, one scrape after the other, so that they
 * can be had when all workers are busy: that is when they are wanted.
 */
final class MetricsRoutes {
  private static final int WAITING_MAX = 8;
  private static final long IDLE_SECONDS = 30;

  private final Context context;
  private final List<RouteMeter> routes;
  private final ThreadPoolExecutor thread;

  /**
   * @param routes meters of all routes, those to come too
   */
  MetricsRoutes(Context context, List<RouteMeter> routes) {
    this.context = context;
    this.routes = routes;
    thread =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING_MAX),
            Thread.ofPlatform().name("metrics").daemon().factory());
    thread.allowCoreThreadTimeOut(true);
  }

  void scrape(Call call) {
    String accept = call.exchange().header("accept");
    try {
      thread.execute(() -> answer(call, accept == null ? "" : accept));
    } catch (RejectedExecutionException busy) {
      throw new PannierException.Unavailable(
          Refusal.BUSY, "Too many scrapes at once: try again later", 1);
    }
  }

  private void answer(Call call, String accept) {
    try {
      call.confirm();
      Scrape scrape = Scrape.of(context.sources(List.copyOf(routes)), accept);
      call.respond(
          Response.of(200)
              .header("content-type", scrape.contentType())
              .body(scrape.text().bytes()));
    } catch (PannierException e) {
      call.fail(e);
    } catch (RuntimeException | Error failed) {
      call.fail(new PannierException.Internal("Metrics could not be made", failed));
    }
  }
}
