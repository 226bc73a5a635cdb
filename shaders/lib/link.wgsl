// The link from a score to a prediction: the score itself, or minimum + (maximum - minimum) * sigmoid(score).

import package::lib::model::model;

override BOUNDED: bool = false;

fn prediction(score: f32) -> f32 {
  if (BOUNDED) {
    return model.minimum + (model.maximum - model.minimum) / (1.0 + exp(-score));
  }
  return score;
}

// d prediction / d score
fn prediction_slope(score: f32) -> f32 {
  if (BOUNDED) {
    let sigmoid = 1.0 / (1.0 + exp(-score));
    return (model.maximum - model.minimum) * sigmoid * (1.0 - sigmoid);
  }
  return 1.0;
}
