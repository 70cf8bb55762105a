"""A table with text and missing values: fitted, scored on rows held out, saved and read back."""

from pathlib import Path

import polars as pl
from sklearn.model_selection import train_test_split

import shoal

here = Path(__file__).parent
table = pl.read_csv(here / "penguins.csv", null_values="NA")
X, y = table.drop("species"), table["species"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

classifier = shoal.ShoalClassifier(random_state=0).fit(X_train, y_train)
print(f"accuracy on {len(y_test)} rows held out: {classifier.score(X_test, y_test):.3f}")

shoal.save_model(classifier.model_, "penguins.shoal")
model = shoal.load_model("penguins.shoal")
new = pl.read_csv(here / "new_penguins.csv", null_values="NA")
for species, probabilities in zip(model.predict(new), model.predict_proba(new), strict=True):
    print(f"{species:10} {probabilities.max():.3f}")
