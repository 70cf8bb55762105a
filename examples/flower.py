"""The course's exercise: four hidden units learn the petals of a flower, in NumPy."""

import shoal

X, Y = shoal.datasets.flower()  # (2, 400), (1, 400)
parameters = shoal.initialize(n_x=2, n_h=4, n_y=1, random_state=2)
parameters, costs = shoal.gradient_descent(X, Y, parameters, learning_rate=1.2, n_iterations=5000)
for i in range(0, 5000, 1000):
    print(f"cost before update {i}: {costs[i]:.6f}")

A2 = shoal.forward(X, parameters).A2  # (1, 400), the probability of class 1
print(f"accuracy: {((A2 > 0.5) == Y).mean():.2%}")

check = shoal.gradient_check(X, Y, parameters)
print(f"largest disagreement with central differences: {check.relative_error:.0e}")
