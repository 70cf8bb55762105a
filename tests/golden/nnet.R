# Writes nnet.txt: networks that R's nnet has fitted, rows, and what R predicts for them.
# Rscript nnet.R, with R 4.2.2 and nnet 7.3-18 (Debian 12: r-base-core, r-cran-nnet).
library(nnet)
keep <- c("n", "nsunits", "softmax", "censored", "wts", "lev", "coefnames")
rows <- iris[c(1, 51, 101, 7, 77, 141), 1:4]
parts <- function(fit, predicted = NULL) {
  list(net = unclass(fit)[keep], predicted = as.vector(t(predicted)))
}
fit <- function(...) {
  net <- nnet(..., trace = FALSE)
  parts(net, predict(net, if (inherits(net, "nnet.formula")) rows else as.matrix(rows)))
}
set.seed(1)
versicolor <- factor(iris$Species == "versicolor", labels = c("other", "versi\"color\\\n"))
lengths <- Sepal.Length ~ Sepal.Width + Petal.Length
probabilities <- function(net) parts(net, predict(net, rows, type = "probs"))
all <- list(
  binary = fit(versicolor ~ Petal.Length + Petal.Width, iris, size = 3, decay = 0.1),
  softmax = fit(Species ~ ., iris, size = 2, decay = 0.01),
  linout = fit(lengths, iris, size = 2, linout = TRUE, decay = 0.01),
  two = fit(as.matrix(iris[, 1:4]), as.matrix(iris[, 2:3]), size = 2, linout = TRUE, decay = 0.01),
  logistic = fit(as.matrix(iris[, 1:4]), iris$Petal.Width / 3, size = 2, decay = 0.1),
  linear = fit(lengths, iris, size = 0, skip = TRUE, linout = TRUE),
  multinom = probabilities(multinom(Species ~ Sepal.Width, iris, decay = 0.01, trace = FALSE)),
  multinom_of_two = probabilities(multinom(versicolor ~ Sepal.Width, iris, trace = FALSE)),
  saturated = fit(Species ~ ., iris, size = 2, rang = 20, maxit = 5),
  skip = fit(lengths, iris, size = 2, skip = TRUE, linout = TRUE),
  censored = fit(Species ~ ., iris, size = 2, decay = 0.01, censored = TRUE)
)
dput(c(list(rows = rows), all), "nnet.txt", control = c("niceNames", "digits17"))
