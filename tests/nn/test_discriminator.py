"""The critic of moving pictures."""

import torch

from vp.nn.discriminator import VideoDiscriminator, discriminator_loss, generator_loss


def clips(bright: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(int(10 * bright))
    return bright * torch.rand(4, 5, 1, 32, 32, generator=generator)


def test_scores_come_from_patches_of_space_and_time():
    torch.manual_seed(0)
    critic = VideoDiscriminator(3, width=8)
    scores, features = critic(torch.rand(2, 6, 3, 64, 32))
    assert scores.shape == (2, 1, 6, 4, 2) and len(features) == 3


def test_a_critic_learns_to_tell_clips_apart_and_does_not_teach_the_predictor_in_its_own_turn():
    torch.manual_seed(0)
    critic = VideoDiscriminator(1, width=8)
    optimizer = torch.optim.AdamW(critic.parameters(), 1e-3)
    fake = clips(0.3).requires_grad_()
    first = discriminator_loss(critic, clips(1.0), fake)
    for _ in range(60):
        optimizer.zero_grad()
        discriminator_loss(critic, clips(1.0), fake).backward()
        optimizer.step()
    last = discriminator_loss(critic, clips(1.0), fake)
    assert fake.grad is None and float(last.detach()) < 0.2 * float(first.detach())


def test_a_predictor_is_pulled_towards_what_the_critic_takes_for_real():
    torch.manual_seed(0)
    critic = VideoDiscriminator(1, width=8)
    real = clips(1.0)
    away, there = generator_loss(critic, real, clips(0.3)), generator_loss(critic, real, real)
    assert there[1] == 0 < away[1]
    fake = clips(0.3).requires_grad_()
    sum(generator_loss(critic, real, fake)).backward()
    assert fake.grad.abs().sum() > 0
